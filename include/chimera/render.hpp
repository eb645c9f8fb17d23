// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Text, pictures, traces and files of schedules, programs and timelines:
///
///     #include <chimera/chimera.hpp>
///     #include <chimera/render.hpp>
///
///     std::ofstream("bidirectional.svg") << svg(simulate(lower(order), {.forward = 1e-3, .backward = 2e-3}));

#include <chimera/render/csv.hpp>
#include <chimera/render/json.hpp>
#include <chimera/render/schedule_timeline.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/render/text.hpp>
#include <chimera/render/trace.hpp>
