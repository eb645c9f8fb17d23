// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/memory_timeline.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/prepared_order.hpp>
#include <chimera/schedule/family_placement.hpp>

#include <array>
#include <cstddef>
#include <vector>

namespace chimera {

/// The bytes that each worker of a configuration needs, by its order's real peak. Results that do not depend on the
/// ZeRO level are cached.
class worker_memory {
public:
    /// Computes the sums over the layers of every stage. `choice` must have its cuts.
    void measure(const model& network, const configuration& choice, const shape& head) {
        const double unit = static_cast<double>(choice.micro_batch) / head.micro_batch_parts;
        measured now{&network, choice.cuts, unit, choice.slices()};
        if (now == of_ && head == head_) return;
        of_ = std::move(now);
        std::vector<stage_bytes> bytes = bytes_of(network, choice.cuts, unit, choice.slices());
        if (bytes == bytes_ && head == head_) return;
        bytes_ = std::move(bytes);
        head_ = head;
        for (peaks& p : known_) p = {};
    }
    /// Sets recompute and ZeRO level, after `measure`. `order`: without recompute slots, here and below.
    void choose(const model& network, const configuration& choice, const prepared_order& order) {
        stages_.clear();
        modes_.clear();
        for (int s = 0; s < choice.schedule.stages; ++s) {
            modes_.push_back(choice.recompute_of(s));
            stages_.push_back(memory_of(bytes_[static_cast<std::size_t>(s)], network.bytes, modes_.back(), choice.zero,
                                        choice.width * static_cast<int>(order.holders(s).size()),
                                        weight_versions(order.head(), s), splits_backward(choice.schedule)));
        }
        current_ = &known_[static_cast<std::size_t>(choice.recompute)];
    }
    /// Returns the bytes beside activations. Linear in the stages that the worker holds.
    [[nodiscard]] double held(const prepared_order& order, int worker) const {
        return held_memory(stages_, order.stages_of(worker));
    }
    /// Weighs those workers anew whose stages changed their mode: to be called before `activations`.
    void play(prepared_order& order) {
        const auto workers = static_cast<std::size_t>(order.head().workers);
        const bool all = current_->order != &order || current_->of.size() != workers;
        current_->of.resize(workers);
        for (std::size_t w = 0; w < workers; ++w) {
            bool changed = all;
            for (const std::int32_t s : order.stages_of(static_cast<int>(w)))
                changed =
                    changed || current_->modes[static_cast<std::size_t>(s)] != modes_[static_cast<std::size_t>(s)];
            if (changed) current_->of[w] = order.activations(static_cast<int>(w), stages_);
        }
        current_->order = &order;
        current_->modes = modes_;
    }
    /// Returns the bytes of activations on a worker at their peak, after `play`.
    [[nodiscard]] double activations(int worker) const noexcept {
        return current_->of[static_cast<std::size_t>(worker)];
    }

private:
    /// Activations at their peak on every worker, under the modes of every stage.
    struct peaks {
        std::vector<double> of;
        std::vector<recompute_mode> modes;
        const prepared_order* order = nullptr;
    };

    /// All that the bytes of a unit depend on.
    struct measured {
        const model* network = nullptr;
        std::vector<int> cuts;
        double samples = 0;  // of a unit
        slicing slices;

        friend bool operator==(const measured&, const measured&) = default;
    };

    measured of_;
    shape head_;
    std::vector<stage_bytes> bytes_;
    std::vector<stage_memory> stages_;
    std::vector<recompute_mode> modes_;
    std::array<peaks, 5> known_;  // by the configuration's mode
    peaks* current_ = known_.data();
};

}  // namespace chimera
