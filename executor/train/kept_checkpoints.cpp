// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/engine.hpp>
#include <executor/io/run_folder.hpp>
#include <executor/train/kept_checkpoints.hpp>

#include <algorithm>
#include <cmath>
#include <system_error>

namespace chimera::executor {

namespace {

namespace fs = std::filesystem;

void check_finite(const checkpoint_info& info, std::span<const named_tensor> tensors) {
    for (const named_tensor& each : tensors)
        if (!std::ranges::all_of(each.values, [](float value) { return std::isfinite(value); }))
            throw run_failed("tensor " + each.name + " is not finite after step " + std::to_string(info.step) +
                             " (the run diverged) use a smaller learning_rate");
}

}  // namespace

fs::path kept_checkpoints::latest() const { return folder_ / run_file::checkpoint; }

void kept_checkpoints::go_on(std::int64_t step) {
    step_ = step;
    unproven_ = true;
}

/// One of another run is no help to this one: it goes when the first of this run comes.
void kept_checkpoints::write(const checkpoint_info& info, std::span<const named_tensor> tensors) {
    check_finite(info, tensors);
    const fs::path earlier = folder_ / run_file::earlier;
    std::error_code ignored;
    if (!step_ || !unproven_) fs::remove(earlier, ignored);
    if (step_ && !unproven_) fs::create_hard_link(latest(), earlier, ignored);
    write_checkpoint(latest(), info, tensors);
    go_on(info.step);
}

void kept_checkpoints::prove() {
    if (!unproven_) return;
    unproven_ = false;
    std::error_code ignored;
    fs::remove(folder_ / run_file::earlier, ignored);
}

void kept_checkpoints::fall_back(bool certain) {
    if (!unproven_) return;
    const fs::path earlier = folder_ / run_file::earlier;
    std::error_code failed;
    const bool more = fs::exists(earlier, failed);
    if (!more && !certain) return;
    fs::rename(latest(), folder_ / run_file::diverged, failed);
    step_.reset();
    unproven_ = false;
    if (!more) return;
    step_ = open_checkpoint(earlier).info.step;
    fs::rename(earlier, latest(), failed);
}

}  // namespace chimera::executor
