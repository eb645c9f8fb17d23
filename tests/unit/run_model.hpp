// SPDX-License-Identifier: Apache-2.0
#pragma once

// A model of one number a stage, y = (w + t) x + x^2 + z, exact modulo 2^64; what a worker does with it; and the same
// iteration without workers, buffers or messages. t: the weights of tied links, z: what comes over skips.

#include "run_network.hpp"

#include <chimera/program/update_group.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

namespace chimera::running {

inline number first_weight(int stage) { return 3 + 2 * static_cast<number>(stage); }
inline number data_of(int unit) { return 1000003 * static_cast<number>(unit) + 7; }
inline number first_tied(std::size_t link) { return 11 + 4 * static_cast<number>(link); }
inline number factor_of(std::size_t link) { return 5 + 6 * static_cast<number>(link); }  // of a skip
inline number loss_gradient(int unit, number y) { return y - static_cast<number>(unit) * static_cast<number>(unit); }

/// Holds the values that a stage keeps of a unit.
struct kept_unit {
    int stage = -1, unit = -1;
    number x = poison, dy = poison, z = 0;
};

/// Calls f with each link that ties weights of a stage.
template <class F>
void each_tied(std::span<const stage_link> links, int stage, const F& f) {
    for (std::size_t link = 0; link < links.size(); ++link)
        if (links[link].kind == link_kind::tied && (links[link].from == stage || links[link].to == stage)) f(link);
}

/// The hooks of one worker, without the messages.
class exact_worker {
public:
    exact_worker(const run_row& row, int stages, network& net)
        : net_(net), messages_(static_cast<std::size_t>(row.message_buffers), poison), links_(row.links),
          tied_gradient_(row.links.size(), 0), kept_(static_cast<std::size_t>(row.activation_buffers)),
          unfolded_(static_cast<std::size_t>(row.recompute_buffers)), gradient_(static_cast<std::size_t>(stages), 0) {}

    void forward(const pass_call& p) {
        each(p, [&](std::size_t k, int unit) {
            kept_unit& keep = kept_[index(p.activations[k])];
            const number x = p.from_data ? data_of(unit) : messages_[index(p.inputs[k])];
            keep = {p.stage, unit, p.recomputed ? ~x : x, poison, 0};
            each_skip(p, true, k, [&](std::size_t link, number& from) { keep.z += factor_of(link) * from; });
            const number y = weight(p) * x + x * x + keep.z;
            if (p.loss)
                losses[unit] = y;
            else
                messages_[index(p.outputs[k])] = y;
            each_skip(p, false, k, [&](std::size_t, number& to) { to = y; });
        });
    }
    void recompute(const pass_call& p) {
        each(p, [&](std::size_t k, int unit) {
            kept_unit& from = held(kept_[index(p.activations[k])], p, unit);
            unfolded_[index(p.unfolded[k])] = {p.stage, unit, ~from.x, poison, from.z};
        });
    }
    void input_gradient(const pass_call& p) {
        each(p, [&](std::size_t k, int unit) {
            kept_unit& keep = full(p, k, unit);
            const number y = weight(p) * keep.x + keep.x * keep.x + keep.z;
            keep.dy = p.loss ? loss_gradient(unit, y) : messages_[index(p.inputs[k])];
            each_skip(p, true, k, [&](std::size_t, number& from) { keep.dy += from; });
            each_skip(p, false, k, [&](std::size_t link, number& to) { to = factor_of(link) * keep.dy; });
            if (p.stage > 0) messages_[index(p.outputs[k])] = keep.dy * (weight(p) + 2 * keep.x);
        });
    }
    void weight_gradient(const pass_call& p) {
        each(p, [&](std::size_t k, int unit) {
            kept_unit& keep = full(p, k, unit);
            gradient_[p.stage] += keep.dy * keep.x;
            each_tied(links_, p.stage, [&](std::size_t link) { tied_gradient_[link] += keep.dy * keep.x; });
            keep = {};
            kept_[index(p.activations[k])] = {};
        });
    }
    void backward(const pass_call& p) {
        input_gradient(p);
        weight_gradient(p);
    }
    void start_reduction(const stage_call& s) { net_.give(s, reduced(s)); }
    void wait_reduction(const stage_call& s) { reduced(s) = net_.take(s); }
    void update(const stage_call& s) {
        each_tied(links_, s.stage, [&](std::size_t link) {
            tied[{s.stage, link}] = tied_weight(s.stage, link) - tied_gradient_[link];
        });
        weights[{s.stage, s.version}] = own_weight(s.stage, s.newest) - std::exchange(gradient_[s.stage], 0);
        last[s.stage] = s.version;
    }

    std::map<std::pair<int, int>, number> weights;       // by stage and version
    std::map<int, int> last;                             // by stage: the newest version
    std::map<std::pair<int, std::size_t>, number> tied;  // by stage and link
    std::map<int, number> losses;

protected:
    network& net_;
    std::vector<number> messages_;

private:
    static std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }
    template <class F>
    static void each(const pass_call& p, const F& f) {
        for (int k = 0; k < p.count; ++k) f(static_cast<std::size_t>(k), p.first + k);
    }
    number own_weight(int stage, int version) const {
        const auto found = weights.find({stage, version});
        return found == weights.end() ? first_weight(stage) : found->second;
    }
    number tied_weight(int stage, std::size_t link) const {
        const auto found = tied.find({stage, link});
        return found == tied.end() ? first_tied(link) : found->second;
    }
    number weight(const pass_call& p) const {
        number sum = own_weight(p.stage, p.version);
        each_tied(links_, p.stage, [&](std::size_t link) { sum += tied_weight(p.stage, link); });
        return sum;
    }
    /// The gradient that a reduction is of.
    number& reduced(const stage_call& s) {
        if (s.tied < 0) return gradient_[s.stage];
        std::size_t link = 0;
        for (int left = s.tied; links_[link].kind != link_kind::tied || left-- > 0;) ++link;
        if (links_[link].from != s.stage) throw std::logic_error("tied weights of another stage");
        return tied_gradient_[link];
    }
    /// Calls f with each skip that a pass reads, or writes, and the message buffer of its k-th unit.
    template <class F>
    void each_skip(const pass_call& p, bool read, std::size_t k, const F& f) {
        const std::span<const std::int32_t> buffers = read ? p.skips_read : p.skips_written;
        const bool ends = (p.op == action::forward) == read;
        std::size_t at = 0;
        for (std::size_t link = 0; link < links_.size() && !buffers.empty(); ++link) {
            if (links_[link].kind != link_kind::skip || (ends ? links_[link].to : links_[link].from) != p.stage)
                continue;
            f(link, messages_[index(buffers[at * static_cast<std::size_t>(p.count) + k])]);
            ++at;
        }
        if (at * static_cast<std::size_t>(p.count) != buffers.size()) throw std::logic_error("a skip is left out");
    }
    static kept_unit& held(kept_unit& keep, const pass_call& p, int unit) {
        if (keep.stage != p.stage || keep.unit != unit) throw std::logic_error("a buffer holds another unit");
        return keep;
    }
    kept_unit& full(const pass_call& p, std::size_t k, int unit) {
        return held(p.recomputed ? unfolded_[index(p.unfolded[k])] : kept_[index(p.activations[k])], p, unit);
    }

    std::span<const stage_link> links_;
    std::vector<number> tied_gradient_;  // by link
    std::vector<kept_unit> kept_, unfolded_;
    std::vector<number> gradient_;  // by stage
};

/// Sends and receives that return when they have ended.
struct blocking_worker : exact_worker {
    using exact_worker::exact_worker;
    void send(const message_call& m) { net_.begin(m, messages_), net_.wait(m); }
    void receive(const message_call& m) { net_.begin(m, messages_), net_.wait(m); }
};

/// Calls that begin, and are waited for.
struct starting_worker : exact_worker {
    using exact_worker::exact_worker;
    void start(std::span<const message_call> group) {
        for (const message_call& m : group) net_.begin(m, messages_);
    }
    void wait(const message_call& m) { net_.wait(m); }
};

/// Tests a message until it has arrived, and runs the two passes of a pair the other way round if that is allowed.
struct testing_worker : exact_worker {
    using exact_worker::exact_worker;
    void start(std::span<const message_call> group) {
        for (const message_call& m : group) net_.begin(m, messages_);
    }
    bool test(const message_call& m) { return net_.test(m); }
    void idle() { std::this_thread::yield(); }
    void pair(const pass_call& a, const pass_call& b) { compute(b), compute(a), ++pairs; }
    void compute(const pass_call& p) {
        p.op == action::forward          ? forward(p)
        : p.op == action::backward       ? backward(p)
        : p.op == action::input_gradient ? input_gradient(p)
        : p.op == action::recompute      ? recompute(p)
                                         : weight_gradient(p);
    }
    int pairs = 0;
};

/// The weights that an iteration leaves and the loss of each unit, by recursion over units, stages and updates: it knows
/// of the program only which units go into an update, and how many updates a worker had made before a forward.
class serial {
public:
    explicit serial(const program_view& p)
        : p_(p), groups_(detail::find_update_groups(p.head, detail::pipelines_of_units(p.head, p.instructions))) {
        for (int w = 0; w < p.head.workers; ++w) {
            std::map<int, int> made;
            for (const instruction& i : p.row(w)) {
                if (i.op == action::update_weights) ++made[i.stage];
                for (int u = i.first; i.op == action::forward && u < i.first + i.count; ++u)
                    reads_[{i.stage, u}] = detail::updates_read(p.head.update, groups_[u], made[i.stage]);
            }
        }
    }
    number last_weight(int stage) { return weight(stage, groups_.count); }
    number loss(int unit) { return output(p_.head.stages - 1, unit); }
    number last_tied(std::size_t link) {
        number sum = first_tied(link);
        for (const int stage : {p_.links[link].from, p_.links[link].to})
            for (int u = 0; u < p_.head.units(); ++u) sum -= output_gradient(stage, u) * input(stage, u);
        return sum;
    }

private:
    number weight(int stage, int updates) {
        if (updates == 0) return first_weight(stage);
        const auto [at, fresh] = weights_.try_emplace({stage, updates}, 0);
        if (!fresh) return at->second;
        number sum = weight(stage, updates - 1);
        for (int u = 0; u < p_.head.units(); ++u)
            if (groups_[u] == updates - 1) sum -= output_gradient(stage, u) * input(stage, u);
        return weights_[{stage, updates}] = sum;
    }
    number weight_read(int stage, int unit) {
        number sum = weight(stage, reads_.at({stage, unit}));
        each_tied(p_.links, stage, [&](std::size_t link) { sum += first_tied(link); });
        return sum;
    }
    number input(int stage, int unit) { return stage == 0 ? data_of(unit) : output(stage - 1, unit); }
    number output(int stage, int unit) {
        const auto [at, fresh] = outputs_.try_emplace({stage, unit}, 0);
        if (!fresh) return at->second;
        const number x = input(stage, unit);
        number y = weight_read(stage, unit) * x + x * x;
        for (std::size_t k = 0; k < p_.links.size(); ++k)
            if (p_.links[k].kind == link_kind::skip && p_.links[k].to == stage)
                y += factor_of(k) * output(p_.links[k].from, unit);
        return outputs_[{stage, unit}] = y;
    }
    number output_gradient(int stage, int unit) {
        if (stage + 1 == p_.head.stages) return loss_gradient(unit, output(stage, unit));
        const auto [at, fresh] = gradients_.try_emplace({stage, unit}, 0);
        if (!fresh) return at->second;
        const number x = input(stage + 1, unit);
        number dx = output_gradient(stage + 1, unit) * (weight_read(stage + 1, unit) + 2 * x);
        for (std::size_t k = 0; k < p_.links.size(); ++k)
            if (p_.links[k].kind == link_kind::skip && p_.links[k].from == stage)
                dx += factor_of(k) * output_gradient(p_.links[k].to, unit);
        return gradients_[{stage, unit}] = dx;
    }

    program_view p_;
    detail::update_groups groups_;
    std::map<std::pair<int, int>, int> reads_;
    std::map<std::pair<int, int>, number> weights_, outputs_, gradients_;
};

}  // namespace chimera::running
