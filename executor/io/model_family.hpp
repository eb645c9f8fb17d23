// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/changed_sizes.hpp>
#include <chimera/model/layer_chain.hpp>
#include <executor/io/fields.hpp>

namespace chimera::executor::detail {

/// Reads "precision", each 0 to 64 bytes, weights and activations above 0.
precision read_precision(fields& of);

/// A family of the catalogue with the sizes that a chimera.model file gives, and the changes.
model read_family(fields& file, const model_changes& asked);

}  // namespace chimera::executor::detail
