// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/bounded.hpp>
#include <chimera/verify/exclusive.hpp>
#include <chimera/verify/housed.hpp>
#include <chimera/verify/matched.hpp>
#include <chimera/verify/message.hpp>
#include <chimera/verify/once.hpp>
#include <chimera/verify/ordered.hpp>
#include <chimera/verify/proven.hpp>
#include <chimera/verify/report.hpp>
#include <chimera/verify/reproducible.hpp>
#include <chimera/verify/synchronised.hpp>
#include <chimera/verify/check.hpp>
