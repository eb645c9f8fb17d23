// SPDX-License-Identifier: Apache-2.0
#pragma once

// A model of one number a stage, y = w x + x^2, exact modulo 2^64; what a worker does with it; and the same iteration
// without workers, buffers or messages.

#include "run_network.hpp"

#include <chimera/program/update_group.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

namespace chimera::running {

inline number first_weight(int stage) { return 3 + 2 * static_cast<number>(stage); }
inline number data_of(int unit) { return 1000003 * static_cast<number>(unit) + 7; }
inline number loss_gradient(int unit, number y) { return y - static_cast<number>(unit) * static_cast<number>(unit); }

/// Holds the values that a stage keeps of a unit.
struct kept_unit {
    int stage = -1, unit = -1;
    number x = poison, dy = poison;
};

/// The hooks of one worker, without the messages.
class exact_worker {
public:
    exact_worker(const run_row& row, int stages, network& net)
        : net_(net), messages_(static_cast<std::size_t>(row.message_buffers), poison),
          kept_(static_cast<std::size_t>(row.activation_buffers)),
          unfolded_(static_cast<std::size_t>(row.recompute_buffers)), gradient_(static_cast<std::size_t>(stages), 0) {}

    void forward(const pass_call& p) {
        each(p, [&](std::size_t k, int unit) {
            kept_unit& keep = kept_[index(p.activations[k])];
            const number x = p.from_data ? data_of(unit) : messages_[index(p.inputs[k])];
            keep = {p.stage, unit, p.recomputed ? ~x : x, poison};
            const number y = weight(p) * x + x * x;
            if (p.loss)
                losses[unit] = y;
            else
                messages_[index(p.outputs[k])] = y;
        });
    }
    void recompute(const pass_call& p) {
        each(p, [&](std::size_t k, int unit) {
            kept_unit& from = held(kept_[index(p.activations[k])], p, unit);
            unfolded_[index(p.unfolded[k])] = {p.stage, unit, ~from.x, poison};
        });
    }
    void input_gradient(const pass_call& p) {
        each(p, [&](std::size_t k, int unit) {
            kept_unit& keep = full(p, k, unit);
            const number y = weight(p) * keep.x + keep.x * keep.x;
            keep.dy = p.loss ? loss_gradient(unit, y) : messages_[index(p.inputs[k])];
            if (p.stage > 0) messages_[index(p.outputs[k])] = keep.dy * (weight(p) + 2 * keep.x);
        });
    }
    void weight_gradient(const pass_call& p) {
        each(p, [&](std::size_t k, int unit) {
            kept_unit& keep = full(p, k, unit);
            gradient_[p.stage] += keep.dy * keep.x;
            keep = {};
            kept_[index(p.activations[k])] = {};
        });
    }
    void backward(const pass_call& p) {
        input_gradient(p);
        weight_gradient(p);
    }
    void start_reduction(const stage_call& s) { net_.give(s, gradient_[s.stage]); }
    void wait_reduction(const stage_call& s) { gradient_[s.stage] = net_.take(s); }
    void update(const stage_call& s) {
        weights[{s.stage, s.version}] = weight(s.stage, s.newest) - std::exchange(gradient_[s.stage], 0);
        last[s.stage] = s.version;
    }

    std::map<std::pair<int, int>, number> weights;  // by stage and version
    std::map<int, int> last;                        // by stage: the newest version
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
    number weight(int stage, int version) const {
        const auto found = weights.find({stage, version});
        return found == weights.end() ? first_weight(stage) : found->second;
    }
    number weight(const pass_call& p) const { return weight(p.stage, p.version); }
    static kept_unit& held(kept_unit& keep, const pass_call& p, int unit) {
        if (keep.stage != p.stage || keep.unit != unit) throw std::logic_error("a buffer holds another unit");
        return keep;
    }
    kept_unit& full(const pass_call& p, std::size_t k, int unit) {
        return held(p.recomputed ? unfolded_[index(p.unfolded[k])] : kept_[index(p.activations[k])], p, unit);
    }

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
    number weight_read(int stage, int unit) { return weight(stage, reads_.at({stage, unit})); }
    number input(int stage, int unit) { return stage == 0 ? data_of(unit) : output(stage - 1, unit); }
    number output(int stage, int unit) {
        const auto [at, fresh] = outputs_.try_emplace({stage, unit}, 0);
        if (!fresh) return at->second;
        const number x = input(stage, unit), y = weight_read(stage, unit) * x + x * x;
        return outputs_[{stage, unit}] = y;
    }
    number output_gradient(int stage, int unit) {
        if (stage + 1 == p_.head.stages) return loss_gradient(unit, output(stage, unit));
        const auto [at, fresh] = gradients_.try_emplace({stage, unit}, 0);
        if (!fresh) return at->second;
        const number x = input(stage + 1, unit);
        const number dx = output_gradient(stage + 1, unit) * (weight_read(stage + 1, unit) + 2 * x);
        return gradients_[{stage, unit}] = dx;
    }

    program_view p_;
    detail::update_groups groups_;
    std::map<std::pair<int, int>, int> reads_;
    std::map<std::pair<int, int>, number> weights_, outputs_, gradients_;
};

}  // namespace chimera::running
