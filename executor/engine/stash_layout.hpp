// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/alignment.hpp>

#include <cstddef>
#include <span>

namespace chimera::executor {

/// A tensor that lives from one instruction to another, both included, and where it was put.
struct tensor {
    std::size_t bytes = 0;
    int from = 0, to = -1;
    std::size_t offset = 0;
};

/// Puts tensors into one piece of memory from `offset` on, in the order in which their lives begin; each takes the
/// place of a dead one of its size, if there is one. Returns the end of the memory used.
std::size_t arrange(std::span<tensor> tensors, std::size_t offset);

}  // namespace chimera::executor
