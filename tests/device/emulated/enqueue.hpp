// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace chimera::emulated {

/// What is launched on a stream goes there, to be carried out when the stream comes to it; null: at once.
inline void (*enqueue)(void* stream, std::function<void()> work) = nullptr;

/// Is told of each launch before it, and of which code: a GPU loads code when it is first launched. Null: nobody is.
inline void (*launching)(void* stream, const void* code) = nullptr;

}  // namespace chimera::emulated
