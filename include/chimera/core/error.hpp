// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace chimera {

/// What every refusal throws. The text reads `<problem> (<why>) <what to do>`, in one line.
struct chimera_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws `chimera_error`. Not constexpr on purpose: reaching it in constant evaluation stops the compilation at the caller.
[[noreturn]] inline void refuse(const std::string& text) { throw chimera_error(text); }

}  // namespace chimera
