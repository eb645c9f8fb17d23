// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/workers/process_group.hpp>
#include <executor/workers/replicas.hpp>

#include <vector>

namespace chimera::executor {

/// The tensors of all stages on rank 0, wherever they are held. All ranks make it, between iterations; it is good until
/// the next one.
class whole_model {
public:
    whole_model(process_group& all, replicas& held);

    /// In the order of a checkpoint; on rank 0 alone.
    const std::vector<named_tensor>& tensors() const { return tensors_; }

private:
    std::vector<std::vector<float>> received_;
    std::vector<named_tensor> tensors_;
};

}  // namespace chimera::executor
