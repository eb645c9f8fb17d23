// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/find_order.hpp>
