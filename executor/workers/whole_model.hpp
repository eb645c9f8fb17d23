// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/workers/process_group.hpp>
#include <executor/workers/replicas.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace chimera::executor {

/// The tensors of all stages on rank 0, wherever they are held. All ranks make it, between iterations; it is good until
/// the next one. Names and shapes are those that rank 0 expects: other ranks send values alone, and bad_message or
/// run_failed is thrown where these are not as many as are due, or not finite.
class whole_model {
public:
    whole_model(process_group& all, replicas& held);

    /// In the order of a checkpoint; on rank 0 alone.
    const std::vector<named_tensor>& tensors() const { return tensors_; }

private:
    std::span<float> take(std::span<const std::byte>& from, std::size_t size, const std::string& name, int rank);
    stage_tensors unpacked(const replicas& held, int stage, std::span<const std::byte>& from, int rank);

    std::vector<std::vector<float>> received_;
    std::vector<named_tensor> tensors_;
};

}  // namespace chimera::executor
