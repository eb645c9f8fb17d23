// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Models as layers with parameters, FLOPs and bytes: the catalogue and its families.

#include <chimera/model/catalogue.hpp>
#include <chimera/model/layer_chain.hpp>
