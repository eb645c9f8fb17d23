// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/settings.hpp>

#include <string>
#include <string_view>

namespace chimera::executor::play {

/// A change of one field: the settings after it, and a word on why they are not what was asked for.
struct changed {
    settings to;
    std::string note;
};

/// One step: to the next value, upwards (1) or downwards (-1), that the library does not refuse. Where there is none
/// the value stays and the note says why; where the settings were refused before, the step is taken as it is.
/// `peak`: most activations of a worker now, where a memory limit starts.
changed step(const settings& of, field which, int direction, double peak);

/// To twice or half the value, or the next beyond it that is not refused.
changed leap(const settings& of, field which, int direction);

/// A number typed into a field. Whole numbers may be refused by the library, which then says so in place of a schedule.
changed type(const settings& of, field which, std::string_view text);

/// Returns true if numbers can be typed into the field.
bool is_number(field which);

}  // namespace chimera::executor::play
