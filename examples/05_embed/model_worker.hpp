// SPDX-License-Identifier: Apache-2.0
// Computes a worker's passes, a hook for each. Another file carries the messages. Nothing here knows the schedule.
#pragma once

#include "task.hpp"

#include <chimera/run.hpp>

#include <span>
#include <utility>

using chimera::message_call, chimera::pass_call, chimera::stage_call;

class model_worker {
public:
    model_worker(const chimera::run_row& row, std::vector<stage> model)
        : messages_(static_cast<std::size_t>(row.message_buffers) * unit_size),
          kept_(static_cast<std::size_t>(row.activation_buffers)),
          unfolded_(static_cast<std::size_t>(row.recompute_buffers)), index_(row.worker) {
        for (stage& s : model) gradient_.emplace_back(s.size()), model_.push_back({std::move(s)});
        for (const auto& [s, members] : row.stages)
            if (s.version >= model_[s.stage].size()) model_[s.stage].resize(s.version + 1u, model_[s.stage].front());
    }

    // glue: begin
    void forward(const pass_call& p) {
        for (int k = 0; k < p.count; ++k) {
            activations kept = weights(p).forward(p.from_data ? batch->inputs(p.first + k) : load(p.inputs[at(k)]));
            if (!p.loss) store(p.outputs[at(k)], kept.values.back());
            if (p.recomputed) kept.values.resize(1);  // the input alone
            light(p, k) = std::move(kept);
        }
    }
    void recompute(const pass_call& p) {
        for (int k = 0; k < p.count; ++k) full(p, k) = weights(p).forward(light(p, k).values.front());
    }
    void input_gradient(const pass_call& p) {
        for (int k = 0; k < p.count; ++k) {
            activations& kept = full(p, k);
            numbers gradient = p.loss ? batch->loss(p.first + k, kept.values.back()) : load(p.inputs[at(k)]);
            gradient = weights(p).input_gradient(kept, std::move(gradient));
            if (p.stage > 0) store(p.outputs[at(k)], gradient);
        }
    }
    void weight_gradient(const pass_call& p) {
        for (int k = 0; k < p.count; ++k) add(gradient_[p.stage], weights(p).weight_gradient(full(p, k)));
    }
    void backward(const pass_call& p) { input_gradient(p), weight_gradient(p); }
    void update(const stage_call& s) {
        model_[s.stage][s.version] = model_[s.stage][s.newest];
        model_[s.stage][s.version].update(std::exchange(gradient_[s.stage], numbers(gradient_[s.stage].size())), 0.03F);
    }
    // glue: end

    const stage& holds(int s) const { return model_[at(s)].front(); }
    const task* batch = nullptr;  // of the iteration

protected:
    static constexpr std::size_t unit_size = task::samples * width;

    /// The numbers of a message.
    std::span<float> data(const message_call& m) {
        return std::span(messages_).subspan(at(m.buffer) * unit_size, at(m.count) * unit_size);
    }
    static std::size_t at(int i) { return static_cast<std::size_t>(i); }

    numbers messages_;  // buffer after buffer
    std::vector<activations> kept_, unfolded_;
    std::vector<numbers> gradient_;  // by stage
    int index_;

private:
    const stage& weights(const pass_call& p) const { return model_[p.stage][p.version]; }
    activations& light(const pass_call& p, int k) { return kept_[at(p.activations[at(k)])]; }
    activations& full(const pass_call& p, int k) {
        return p.recomputed ? unfolded_[at(p.unfolded[at(k)])] : light(p, k);
    }
    numbers load(int buffer) const {
        const auto from = messages_.begin() + static_cast<std::ptrdiff_t>(at(buffer) * unit_size);
        return {from, from + unit_size};
    }
    void store(int buffer, const numbers& what) {
        std::copy(what.begin(), what.end(), messages_.begin() + static_cast<std::ptrdiff_t>(at(buffer) * unit_size));
    }

    std::vector<std::vector<stage>> model_;  // by stage and weight version; of these only those it holds are used
};
