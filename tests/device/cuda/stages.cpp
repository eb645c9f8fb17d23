// SPDX-License-Identifier: Apache-2.0
#include "tests/device/cuda/setups.hpp"
