// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/platform.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#if !defined(__cpp_exceptions)
#error "chimera needs exceptions, which report what it refuses: compile without -fno-exceptions"
#include <chimera/stop.hpp>  // a header that is missing: ends the compilation
#endif

namespace chimera {

enum class refusal : std::uint8_t;    // core/refusal.hpp
enum class complaint : std::uint8_t;  // core/complaint.hpp

/// The kind of an error, for programs that react to it.
enum class error_code : std::uint8_t {
    input,  ///< an argument, a file or the machine, as the text says
    spec,   ///< a family that cannot be built: `refusal()` names the rule
    law,    ///< a schedule or a program that breaks a law: `complaint()` names the fault
};

/// The error that every function of the library throws. Its text is one line: `<problem> (<reason>) <remedy>`.
struct chimera_error : std::runtime_error {
    /// Takes the text alone: the code is `input`.
    using std::runtime_error::runtime_error;
    /// Takes the text, and the rule or the fault that it puts in words: the code is `spec` or `law`.
    chimera_error(const std::string& text, chimera::refusal rule)
        : std::runtime_error(text), code_(error_code::spec), number_(static_cast<std::uint8_t>(rule)) {}
    chimera_error(const std::string& text, chimera::complaint fault)
        : std::runtime_error(text), code_(error_code::law), number_(static_cast<std::uint8_t>(fault)) {}

    /// Returns the kind of the error.
    [[nodiscard]] error_code code() const noexcept { return code_; }
    /// Returns the rule that a spec breaks; nothing unless the code is `spec`.
    [[nodiscard]] std::optional<chimera::refusal> refusal() const noexcept {
        if (code_ != error_code::spec) return std::nullopt;
        return static_cast<chimera::refusal>(number_);
    }
    /// Returns the fault of a schedule or program; nothing unless the code is `law`.
    [[nodiscard]] std::optional<chimera::complaint> complaint() const noexcept {
        if (code_ != error_code::law) return std::nullopt;
        return static_cast<chimera::complaint>(number_);
    }

private:
    error_code code_ = error_code::input;
    std::uint8_t number_ = 0;
};

/// Throws `chimera_error`. It is not constexpr on purpose: constant evaluation that reaches it stops the compilation at
/// the caller.
[[noreturn]] inline void refuse(const std::string& text) { throw chimera_error(text); }
[[noreturn]] inline void refuse(const std::string& text, refusal rule) { throw chimera_error(text, rule); }
[[noreturn]] inline void refuse(const std::string& text, complaint fault) { throw chimera_error(text, fault); }

}  // namespace chimera
