// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The families: one header each, a page of code over the combinators.

#include <chimera/core/spec.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/schedule/families.hpp>
