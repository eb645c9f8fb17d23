// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/describe.hpp>
#include <executor/engine/stash_layout.hpp>
#include <executor/engine/worker_plan.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace chimera::executor {
namespace {

/// One unit's part of a tensor.
struct place {
    int tensor = -1;
    std::size_t offset = 0;
    int message = -1;  // that brings it, -1: none
};

/// Boundary tensors by what they are: activations or gradients, the stage that consumes them, the unit.
struct key {
    bool gradient;
    int stage, unit;
    auto operator<=>(const key&) const = default;
};

class planner {
public:
    planner(const program_view& p, communicator& end, const stage_lookup& lookup, work_queue* on)
        : p_(p), end_(end), queue_(on), row_(p.row(end.worker())),
          models_(static_cast<std::size_t>(p.head.stages), nullptr), recomputed_(models_.size(), false),
          groups_(models_.size(), -1), reductions_(models_.size(), -1), books_(models_.size()) {
        plan_.worker = end.worker();
        find_stages(lookup);
    }

    worker_plan make() {
        for (int i = 0; i < size(); ++i)
            if (is_transfer(at(i).op)) place_message(i);
        for (int i = 0; i < size();) {
            planned next;
            next.op = at(i).op;
            next.instruction = i;
            if (is_compute(at(i).op))
                plan_compute(next, at(i));
            else if (is_transfer(at(i).op))
                plan_transfers(next);
            else
                plan_collective(next, at(i));
            i += std::max(1, next.transfers.size);
            plan_.steps_to_do.push_back(next);
        }
        finish();
        return std::move(plan_);
    }

private:
    int size() const { return static_cast<int>(row_.size()); }
    const instruction& at(int i) const { return row_[static_cast<std::size_t>(i)]; }
    stage* model(int s) const { return models_[static_cast<std::size_t>(s)]; }

    [[noreturn]] void wrong(int i, const std::string& why) const {
        refuse(describe(p_, plan_.worker, i) + " cannot run (" + why + ") verify the program");
    }

    void find_stages(const stage_lookup& lookup) {
        for (int i = 0; i < size(); ++i) {
            if (at(i).stage >= models_.size()) wrong(i, "there is no such stage");
            if (is_transfer(at(i).op)) continue;
            stage*& held = models_[at(i).stage];
            if (!held) {
                held = lookup(plan_.worker, at(i).stage);
                if (!held) wrong(i, "the worker does not hold the stage");
                plan_.stages.push_back(held);
            }
            if (at(i).op == action::recompute) recomputed_[at(i).stage] = true;
            if (at(i).op == action::update_weights) books_[at(i).stage].last = i;
        }
        for (stage* held : plan_.stages)
            if (std::ranges::none_of(row_, [&](const instruction& i) {
                    return models_[i.stage] == held && (i.op == action::backward || i.op == action::weight_gradient);
                }))
                plan_.without_units.push_back(held);
        if (p_.head.update != update_rule::flushed) keep_versions();
        for (std::size_t s = 0; s < models_.size(); ++s)
            if (models_[s] && recomputed_[s]) models_[s]->prepare_light();
        for (std::size_t s = 0; s < models_.size(); ++s)
            if (models_[s]) stash_ = std::max(stash_, aligned(models_[s]->stash_bytes(recomputed_[s])));
    }

    /// Makes room for the versions that the program names, if weights change within the iteration.
    void keep_versions() {
        for (int s = 0; s < p_.head.stages; ++s) {
            const auto group = p_.replica_group(s);
            const auto found = std::ranges::find(group, plan_.worker);
            book& of = books_[static_cast<std::size_t>(s)];
            if (found != group.end()) of.versions = p_.versions_of(s, static_cast<std::size_t>(found - group.begin()));
            if (model(s)) model(s)->keep_versions(of.versions);
        }
    }
    void check_version(int i) const {
        if (at(i).version >= books_[at(i).stage].versions)
            wrong(i, "weight version " + std::to_string(at(i).version) + " does not exist");
    }

    int add_tensor(std::size_t bytes, int from) {
        tensors_.push_back({bytes, from, from});
        return static_cast<int>(tensors_.size()) - 1;
    }
    void extend(int t, int i) {
        auto& to = tensors_[static_cast<std::size_t>(t)].to;
        to = std::max(to, i);
    }

    /// Bytes of one unit of what a transfer carries, from the stage that this worker has at its end of the boundary.
    std::size_t message_unit_bytes(int i) const {
        const int s = at(i).stage;
        const auto mine = [&](int held) -> const stage& {
            if (held < 0 || held >= p_.head.stages || !model(held))
                wrong(i, "the worker has no stage at that boundary");
            return *model(held);
        };
        switch (at(i).op) {
            case action::send_activation:
                return mine(s - 1).output_bytes();
            case action::recv_activation:
                return mine(s).input_bytes();
            case action::send_gradient:
                return mine(s + 1).input_bytes();
            default:
                return mine(s).output_bytes();
        }
    }

    void place_message(int i) {
        const bool gradient = at(i).op == action::send_gradient || at(i).op == action::recv_gradient;
        const std::size_t bytes = message_unit_bytes(i);
        const int t = add_tensor(bytes * at(i).count, i);
        tensor_of_.emplace(i, t);
        auto& places = is_send(at(i).op) ? outgoing_ : incoming_;
        for (int k = 0; k < at(i).count; ++k) {
            const place where{t, bytes * static_cast<std::size_t>(k), is_send(at(i).op) ? -1 : at(i).message};
            if (!places.emplace(key{gradient, at(i).stage, at(i).first + k}, where).second)
                wrong(i, "a unit is transferred twice");
        }
    }

    /// Returns the place of a call's input, which an earlier receive or call must have made.
    place take(const key& k, int i) {
        const auto found = incoming_.find(k);
        if (found == incoming_.end() || tensors_[static_cast<std::size_t>(found->second.tensor)].from >= i)
            wrong(i, "nobody hands it its " + std::string(k.gradient ? "output gradient" : "input"));
        const place where = found->second;
        incoming_.erase(found);
        extend(where.tensor, i);
        return where;
    }

    /// Makes the place of a call's output: in a message to be sent, or for a stage of the same worker.
    place give(const key& k, std::size_t bytes, int i) {
        const auto sent = outgoing_.find(k);
        if (sent == outgoing_.end()) {
            const place where{add_tensor(bytes, i), 0, -1};
            if (!incoming_.emplace(k, where).second) wrong(i, "what it makes is also received");
            return where;
        }
        const place where = sent->second;
        outgoing_.erase(sent);
        auto& t = tensors_[static_cast<std::size_t>(where.tensor)];
        if (i > t.to) wrong(i, "what it makes was sent before");
        t.from = std::min(t.from, i);
        return where;
    }

    void plan_compute(planned& next, const instruction& i) {
        next.model = model(i.stage);
        next.light = recomputed_[i.stage];
        if (p_.head.update != update_rule::flushed) check_version(next.instruction), next.version = i.version;
        if (i.op == action::backward || i.op == action::weight_gradient) books_[i.stage].empty = false;
        next.step = add_step(plan_.steps, i);
        next.units = {static_cast<std::int32_t>(plan_.calls.size()), i.count};
        next.waits.from = static_cast<std::int32_t>(plan_.waits.size());
        for (int k = 0; k < i.count; ++k) plan_call(next, i, k);
        next.waits.size = static_cast<std::int32_t>(plan_.waits.size()) - next.waits.from;
    }

    struct links {
        place from, to, stash;
    };

    void plan_call(const planned& next, const instruction& i, int k) {
        const int unit = i.first + k, s = i.stage, at = next.instruction;
        const int buffer = p_.buffer_of(i, k);
        if (buffer < 0 || buffer >= p_.buffer_counts[static_cast<std::size_t>(plan_.worker)])
            wrong(at, "activation buffer " + std::to_string(buffer) + " does not exist");
        links link;
        link.stash.offset = static_cast<std::size_t>(buffer) * stash_;
        const bool forward = i.op == action::forward, backward = sends_input_gradient(i.op);
        const int last = p_.head.stages - 1;
        if (forward && s > 0) link.from = take({false, s, unit}, at);
        if (forward && s < last) link.to = give({false, s + 1, unit}, next.model->output_bytes(), at);
        if (backward && s < last) link.from = take({true, s, unit}, at);
        if (backward && s > 0) link.to = give({true, s - 1, unit}, next.model->input_bytes(), at);
        if (i.op == action::recompute) {
            link.to = {add_tensor(next.model->stash_bytes(false), at), 0, -1};
            unfolded_[{false, s, unit}] = link.to.tensor;
        } else if (recomputed_[i.stage] && !forward) {
            const auto full = unfolded_.find({false, s, unit});
            if (full == unfolded_.end()) wrong(at, "its activations were not recomputed");
            extend(full->second, at);
            link.stash = {full->second, 0, -1};
        }
        if (link.from.message >= 0) wait_once(link.from.message);
        plan_.calls.push_back({unit, nullptr, nullptr, nullptr});
        links_.push_back(link);
    }

    static bool sends_input_gradient(action op) { return op == action::backward || op == action::input_gradient; }

    void wait_once(int message) {
        if (waited_.size() <= static_cast<std::size_t>(message)) waited_.resize(static_cast<std::size_t>(message) + 1);
        if (waited_[static_cast<std::size_t>(message)]) return;  // an earlier call consumed another unit of it
        waited_[static_cast<std::size_t>(message)] = true;
        plan_.waits.push_back(message);
    }

    void plan_transfers(planned& next) {
        const int first = next.instruction;
        int i = first;
        next.transfers.from = static_cast<std::int32_t>(plan_.transfers.size());
        do {
            const tensor& t = tensors_[static_cast<std::size_t>(tensor_of_.at(i))];
            if (is_send(at(i).op) && t.from >= i) wrong(i, "what it sends is not made before");
            plan_.transfers.push_back({nullptr, t.bytes, at(i).peer, at(i).message, is_send(at(i).op)});
            transfer_tensors_.push_back(tensor_of_.at(i));
            ++i;
        } while (i < size() && is_transfer(at(i).op) && at(first).group >= 0 && at(i).group == at(first).group);
        next.transfers.size = i - first;
        for (int k = first; k < i; ++k)
            extend(tensor_of_.at(k), i - 1);  // a group's tensors are in use at the same time
    }

    void plan_collective(planned& next, const instruction& i) {
        next.model = model(i.stage);
        next.empty = p_.head.update != update_rule::flushed && books_[i.stage].empty;
        if (i.op == action::update_weights) return plan_update(next, i);
        if (i.op == action::reduce_gradient) books_[i.stage].empty = false;
        int& handle = groups_[i.stage];
        if (handle < 0) handle = join(i.stage);
        next.group = handle;
        int& step = reductions_[i.stage];
        if (i.op == action::reduce_gradient) {
            if (step >= 0) wrong(next.instruction, "the stage is reduced twice");
            step = add_step(plan_.reductions, i);
        }
        if (step < 0) wrong(next.instruction, "its reduction was not started");
        next.step = step;
    }

    int join(int stage) {
        const auto starts = [&](const instruction& i) { return i.op == action::reduce_gradient && i.stage == stage; };
        const auto each = static_cast<int>(std::ranges::count_if(row_, starts));
        end_.expect_reductions(stage, model(stage)->gradients().size(), 2 * each);  // others may be an iteration ahead
        return end_.join(stage, p_.replica_group(stage));
    }

    /// The state of a stage whose weights change within the iteration, while a worker's row is planned.
    struct book {
        int last = -1;  // the stage's last update
        int versions = 1;
        bool empty = true;
        std::int16_t newest = 0;
        std::int32_t updates = 0;
    };

    void plan_update(planned& next, const instruction& i) {
        next.step = add_step(plan_.steps, i);
        if (p_.head.update == update_rule::flushed) return;
        check_version(next.instruction);
        book& of = books_[i.stage];
        next.newest = std::exchange(of.newest, static_cast<std::int16_t>(i.version));
        next.version = i.version;
        next.update = of.updates++;
        next.reopens = next.instruction != of.last;
        of.empty = true;
        reductions_[i.stage] = -1;
    }

    static std::int32_t add_step(std::vector<step>& all, const instruction& i) {
        all.push_back({i.op, i.count, i.pipeline, i.stage, i.first, 0, 0});
        return static_cast<std::int32_t>(all.size()) - 1;
    }

    void finish() {
        if (!incoming_.empty()) {
            const auto& [k, where] = *incoming_.begin();
            wrong(tensors_[static_cast<std::size_t>(where.tensor)].from,
                  std::string("the ") + (k.gradient ? "gradient" : "activation") + " of unit " +
                      std::to_string(k.unit) + " for stage " + std::to_string(k.stage) + " is never used or sent");
        }
        const auto buffers = static_cast<std::size_t>(p_.buffer_counts[static_cast<std::size_t>(plan_.worker)]);
        plan_.bytes = arrange(tensors_, buffers * stash_);
        plan_.memory = queue_memory(queue_, plan_.bytes);
        if (!plan_.memory.get())
            refuse("worker " + std::to_string(plan_.worker) + " cannot have " + std::to_string(plan_.bytes) +
                   " bytes of activations (out of memory) use fewer micro-batches or recompute");
        for (std::size_t c = 0; c < links_.size(); ++c) {
            unit_call& call = plan_.calls[c];
            call.stash = plan_.memory.get() + links_[c].stash.offset + offset(links_[c].stash);
            call.from = links_[c].from.tensor < 0 ? nullptr : address(links_[c].from);
            call.to = links_[c].to.tensor < 0 ? nullptr : address(links_[c].to);
        }
        for (std::size_t t = 0; t < transfer_tensors_.size(); ++t)
            plan_.transfers[t].data = address({transfer_tensors_[t], 0, -1});
    }

    std::size_t offset(const place& where) const {
        return where.tensor < 0 ? 0 : tensors_[static_cast<std::size_t>(where.tensor)].offset;
    }
    std::byte* address(const place& where) const { return plan_.memory.get() + offset(where) + where.offset; }

    const program_view& p_;
    communicator& end_;
    work_queue* queue_;
    std::span<const instruction> row_;
    std::vector<stage*> models_;
    std::vector<bool> recomputed_;
    std::vector<int> groups_, reductions_;
    std::vector<book> books_;
    std::size_t stash_ = 0;
    std::vector<tensor> tensors_;
    std::map<int, int> tensor_of_;  // transfer instruction -> tensor
    std::map<key, place> incoming_, outgoing_;
    std::map<key, int> unfolded_;
    std::vector<bool> waited_;
    std::vector<links> links_;           // beside plan_.calls
    std::vector<int> transfer_tensors_;  // beside plan_.transfers
    worker_plan plan_;
};

}  // namespace

worker_plan make_worker_plan(const program_view& p, communicator& end, const stage_lookup& lookup, work_queue* on) {
    return planner(p, end, lookup, on).make();
}

}  // namespace chimera::executor
