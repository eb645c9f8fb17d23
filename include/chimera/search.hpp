// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/search.hpp>
