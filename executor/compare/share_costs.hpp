// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/simulate/costs.hpp>

#include <cstdint>

namespace chimera::executor {

/// Returns the costs of each of `stages` stages from those of the workers' shares of the model, in the same seconds: a
/// share cut evenly, or several taken together. `transfer` stays as it is.
costs costs_of_shares(costs of_shares, std::int64_t workers, std::int64_t stages);

}  // namespace chimera::executor
