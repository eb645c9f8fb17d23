// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The families: one header each, a page of code over the combinators.
#include <chimera/core/spec.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/data_parallel.hpp>
#include <chimera/schedule/gpipe.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
