// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/explorer/data.hpp>
#include <chimera/render/explorer/dense.hpp>
#include <chimera/render/explorer/draw.hpp>
#include <chimera/render/explorer/input.hpp>
#include <chimera/render/explorer/laws.hpp>
#include <chimera/render/explorer/marks.hpp>
#include <chimera/render/explorer/markup.hpp>
#include <chimera/render/explorer/style.hpp>
#include <chimera/render/explorer/view.hpp>
#include <chimera/render/explorer/words.hpp>

namespace chimera::explorer {

/// The page's script, part after part, in one scope.
inline constexpr std::string_view script[] = {data, laws, view, dense, draw, marks, words, input};

}  // namespace chimera::explorer
