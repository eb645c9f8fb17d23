// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The families: one header each, a page of code over the combinators.

#include <chimera/core/spec.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/bitpipe.hpp>
#include <chimera/schedule/breadth_first.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/schedule/data_parallel.hpp>
#include <chimera/schedule/dualpipe.hpp>
#include <chimera/schedule/gems.hpp>
#include <chimera/schedule/gpipe.hpp>
#include <chimera/schedule/interleaved.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/schedule/pipedream.hpp>
#include <chimera/schedule/vee.hpp>
#include <chimera/schedule/wave.hpp>
#include <chimera/schedule/zb_v.hpp>
#include <chimera/schedule/zero_bubble.hpp>
