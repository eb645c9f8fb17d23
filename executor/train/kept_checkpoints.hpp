// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/checkpoint/checkpoint.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

namespace chimera::executor {

/// The checkpoints in a run's folder. Finite weights may still be of no use: so large that every loss with them is not
/// finite. The latest checkpoint has proven good when an iteration or a validation with its weights gave finite
/// numbers. Until then the one before it is kept beside it (where the file system has hard links), and takes its place
/// again if it does not.
class kept_checkpoints {
public:
    explicit kept_checkpoints(std::filesystem::path folder) : folder_(std::move(folder)) {}

    std::filesystem::path latest() const;
    /// The run goes on from the latest one, of this step.
    void go_on(std::int64_t step);
    /// The iteration of the latest one that this run has written or goes on from.
    std::optional<std::int64_t> step() const { return step_; }
    /// Replaces the latest one. Throws run_failed, before anything is written, where a tensor is not finite.
    void write(const checkpoint_info& info, std::span<const named_tensor> tensors);
    /// Says that numbers were finite with the latest one's weights.
    void prove();
    /// Says that the run diverged. The latest one is set aside where it has not proven good and there is one before it,
    /// or where it is `certain` that its weights are the cause.
    void fall_back(bool certain);

private:
    std::filesystem::path folder_;
    std::optional<std::int64_t> step_;
    bool unproven_ = false;
};

}  // namespace chimera::executor
