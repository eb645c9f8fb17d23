// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/stash_layout.hpp>
#include <executor/engine/worker_plan.hpp>

#include <chimera/run/make_run_plan.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace chimera::executor {
namespace {

/// Adds to a connected row what only this engine knows: the stages' objects, bytes, memory, joined groups and times.
class planner {
public:
    planner(const program_view& p, communicator& end, const stage_lookup& lookup, work_queue* on)
        : p_(p), end_(end), queue_(on), row_(p.row(end.worker())),
          models_(static_cast<std::size_t>(p.head.stages), nullptr), recomputed_(models_.size(), false),
          groups_(models_.size(), -1), reductions_(models_.size(), -1), books_(models_.size()) {
        plan_.worker = end.worker();
        find_stages(lookup);
        connected_ = chimera::detail::row_connector(p, end.worker()).run();
    }

    worker_plan make() {
        tensors_.reserve(connected_.tensors.size());
        for (const auto& t : connected_.tensors) tensors_.push_back({0, t.from, t.to});
        unit_bytes_.resize(tensors_.size());
        for (const run_step& s : connected_.plan.steps) {
            planned next;
            next.op = s.op;
            next.instruction = s.instruction;
            if (is_compute(s.op))
                plan_compute(next, connected_.plan.passes[static_cast<std::size_t>(s.what.from)]);
            else if (is_transfer(s.op))
                plan_transfers(next, s);
            else
                plan_collective(next, connected_.plan.stages[static_cast<std::size_t>(s.what.from)].what);
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
        chimera::detail::cannot_run(p_, plan_.worker, i, why);
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

    using part_of = chimera::detail::tensor_part;

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

    void plan_compute(planned& next, const run_pass& pass) {
        const instruction& i = pass.what;
        next.model = model(i.stage);
        next.light = pass.recomputed;
        if (p_.head.update != update_rule::flushed) check_version(next.instruction), next.version = i.version;
        if (i.op == action::backward || i.op == action::weight_gradient) books_[i.stage].empty = false;
        next.step = add_step(plan_.steps, i);
        next.units = {static_cast<std::int32_t>(plan_.calls.size()), i.count};
        for (int k = 0; k < i.count; ++k) plan_call(next, pass, k);
    }

    struct links {
        part_of from, to, unfolded;
        std::int32_t buffer;
        bool recomputes;
    };

    void plan_call(const planned& next, const run_pass& pass, int k) {
        const instruction& i = pass.what;
        auto at = static_cast<std::size_t>(pass.places + k);
        links link{{}, {}, {}, connected_.plan.places[at], i.op == action::recompute};
        const auto read = [&](bool there, part_of& to) {
            if (there) to = connected_.parts[at += static_cast<std::size_t>(i.count)];
        };
        read(pass.reads, link.from);
        read(pass.writes, link.to);
        read(pass.unfolds, link.unfolded);
        if (pass.writes)
            give_bytes(link.to, i.op == action::forward ? next.model->output_bytes() : next.model->input_bytes());
        if (pass.unfolds) give_bytes(link.unfolded, next.model->stash_bytes(false));
        plan_.calls.push_back({i.first + k, nullptr, nullptr, nullptr});
        links_.push_back(link);
    }

    /// Gives a hand-over within the worker the size that its maker writes. A message has its size from its two ends.
    void give_bytes(const part_of& made, std::size_t each) {
        const auto t = static_cast<std::size_t>(made.tensor);
        if (connected_.tensors[t].message < 0) tensors_[t].bytes = unit_bytes_[t] = each;
    }

    void plan_transfers(planned& next, const run_step& group) {
        next.transfers = {static_cast<std::int32_t>(plan_.transfers.size()), group.what.size};
        for (int k = 0; k < group.what.size; ++k) {
            const auto m = static_cast<std::size_t>(group.what.from + k);
            const message_call& call = connected_.plan.messages[m];
            const auto t = static_cast<std::size_t>(connected_.of_message[m]);
            unit_bytes_[t] = message_unit_bytes(group.instruction + k);
            tensors_[t].bytes = unit_bytes_[t] * static_cast<std::size_t>(call.count);
            plan_.transfers.push_back({nullptr, tensors_[t].bytes, call.peer, call.tag, call.sends});
        }
    }

    void plan_collective(planned& next, const stage_call& call) {
        next.model = model(call.stage);
        next.empty = p_.head.update != update_rule::flushed && books_[call.stage].empty;
        if (next.op == action::update_weights) return plan_update(next, call);
        if (next.op == action::reduce_gradient) books_[call.stage].empty = false;
        int& handle = groups_[call.stage];
        if (handle < 0) handle = join(call.stage);
        next.group = handle;
        int& step = reductions_[call.stage];
        if (next.op == action::reduce_gradient) step = add_step(plan_.reductions, at(next.instruction));
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
        int versions = 1;
        bool empty = true;
    };

    void plan_update(planned& next, const stage_call& call) {
        next.step = add_step(plan_.steps, at(next.instruction));
        if (p_.head.update == update_rule::flushed) return;
        check_version(next.instruction);
        next.newest = call.newest;
        next.version = call.version;
        next.update = call.update;
        next.reopens = !call.last;
        books_[call.stage].empty = true;
    }

    static std::int32_t add_step(std::vector<step>& all, const instruction& i) {
        all.push_back({i.op, i.count, i.pipeline, i.stage, i.first, 0, 0});
        return static_cast<std::int32_t>(all.size()) - 1;
    }

    void finish() {
        const auto buffers = static_cast<std::size_t>(p_.buffer_counts[static_cast<std::size_t>(plan_.worker)]);
        plan_.bytes = arrange(tensors_, buffers * stash_);
        plan_.memory = queue_memory(queue_, plan_.bytes);
        if (!plan_.memory.get())
            refuse("worker " + std::to_string(plan_.worker) + " cannot have " + std::to_string(plan_.bytes) +
                   " bytes of activations (out of memory) use fewer micro-batches or recompute");
        for (std::size_t c = 0; c < links_.size(); ++c) place(plan_.calls[c], links_[c]);
        for (std::size_t m = 0; m < plan_.transfers.size(); ++m)
            plan_.transfers[m].data = address({connected_.of_message[m], 0});
        plan_.row = chimera::detail::buffer_assignment(std::move(connected_), 0).run();
    }

    /// A recompute unfolds the stash of the forward into a tensor, from which the passes behind it start.
    void place(unit_call& call, const links& link) const {
        call.stash = plan_.memory.get() + static_cast<std::size_t>(link.buffer) * stash_;
        call.from = address(link.from);
        call.to = address(link.to);
        if (link.unfolded.tensor >= 0) (link.recomputes ? call.to : call.stash) = address(link.unfolded);
    }

    std::byte* address(const part_of& where) const {
        if (where.tensor < 0) return nullptr;
        const auto t = static_cast<std::size_t>(where.tensor);
        return plan_.memory.get() + tensors_[t].offset + unit_bytes_[t] * static_cast<std::size_t>(where.unit);
    }

    const program_view& p_;
    communicator& end_;
    work_queue* queue_;
    std::span<const instruction> row_;
    std::vector<stage*> models_;
    std::vector<bool> recomputed_;
    std::vector<int> groups_, reductions_;
    std::vector<book> books_;
    std::size_t stash_ = 0;
    chimera::detail::connected_row connected_;
    std::vector<tensor> tensors_;          // beside connected_.tensors
    std::vector<std::size_t> unit_bytes_;  // beside tensors_
    std::vector<links> links_;             // beside plan_.calls
    worker_plan plan_;
};

}  // namespace

worker_plan make_worker_plan(const program_view& p, communicator& end, const stage_lookup& lookup, work_queue* on) {
    return planner(p, end, lookup, on).make();
}

}  // namespace chimera::executor
