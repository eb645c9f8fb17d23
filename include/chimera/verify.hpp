// SPDX-License-Identifier: Apache-2.0
#pragma once

// The laws (docs/design.md): verify() returns a report, message() words a fault, proven<> stops the compilation.

#include <chimera/verify/check.hpp>
#include <chimera/verify/message_text.hpp>
#include <chimera/verify/proven.hpp>
