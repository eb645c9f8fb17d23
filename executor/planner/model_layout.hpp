// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer_chain.hpp>
#include <chimera/partition/layout_string.hpp>
#include <chimera/schedule/family.hpp>

#include <string>
#include <vector>

namespace chimera::executor {

/// The runs of a model's layers that the letters of a layout string stand for. Refuses a model that is not an
/// embedding, blocks and a head, in this order.
layout_chain chain_of(const model& what);

/// The number of stages of a layout string.
int layout_stages(const std::string& text);

/// The cut that a layout string says of a model. Refuses one of another number of blocks, and a family that does not
/// hold stage k on worker k mod workers, as ranks hold them in a layout.
std::vector<int> layout_cuts(const std::string& text, const model& what, const family_spec& on);

/// Refuses such a family.
void check_layout_family(const family_spec& on);

/// The layout string of a model's cut.
std::string layout_text(const std::vector<int>& cuts, const model& what);

}  // namespace chimera::executor
