// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only place the version is written: CMake reads it from here.
#define CHIMERA_VERSION_MAJOR 0
#define CHIMERA_VERSION_MINOR 2
#define CHIMERA_VERSION_PATCH 0
