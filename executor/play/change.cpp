// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/format.hpp>

#include <executor/play/change.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

namespace chimera::executor::play {

namespace {

constexpr int steps_most = 256;  // how far the next value that fits is looked for
constexpr double ticks_most = 1e6;
constexpr int whole_most = std::numeric_limits<int>::max();

int* whole_number(settings& of, field which) {
    switch (which) {
        case field::stages:
            return &of.of.stages;
        case field::micro_batches:
            return &of.of.micro_batches;
        default:
            break;
    }
    int* out = nullptr;
    at_option(which, of.of, [&](const family_option&, auto& value) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, int>) out = &value;
    });
    return out;
}

double* ticks(settings& of, field which) {
    switch (which) {
        case field::forward:
            return &of.forward;
        case field::backward:
            return &of.backward;
        case field::weight_gradient:
            return &of.weight_gradient;
        case field::recompute_cost:
            return &of.recompute;
        case field::transfer:
            return &of.transfer;
        case field::reduce:
            return &of.reduce;
        case field::update:
            return &of.update;
        default:
            return nullptr;
    }
}

/// The value of a whole number, which may be left to the family.
std::int64_t now(const settings& of, field which) {
    const std::string text = value_of(of, which);
    std::int64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

/// From `value` on, in a direction, the first that is not refused.
changed next_whole(const settings& of, field which, std::int64_t value, int direction) {
    settings to = of;
    std::string why;
    for (int i = 0; i < steps_most && value >= 1 && value <= whole_most; ++i, value += direction) {
        *whole_number(to, which) = static_cast<int>(value);
        const std::string refusal = refused(to);
        if (refusal.empty()) return {to, {}};
        if (why.empty()) why = refusal;
    }
    return {of, why};
}

changed change_whole(const settings& of, field which, std::int64_t value, int direction) {
    changed out = next_whole(of, which, value, direction);
    if (out.to == of && value >= 1 && value <= whole_most && !refused(of).empty()) {
        *whole_number(out.to, which) = static_cast<int>(value);
        out.note.clear();
    }
    return out;
}

/// The choice after a choice, or the one before.
template <class Choice>
Choice neighbour(Choice from, int count, int direction) {
    return static_cast<Choice>((static_cast<int>(from) + count + direction) % count);
}

settings other_family(const settings& of, int direction) {
    settings out = of;
    out.of = {{.which = neighbour(of.of.which, static_cast<int>(family_labels.size()), direction),
               .stages = of.of.stages,
               .micro_batches = of.of.micro_batches},
              of.of.recompute};
    return out;
}

/// Tenths below one; above, halves of the number's power of ten.
double next_ticks(double value, int direction) {
    const double probe = direction > 0 ? value : value * (1 - 1e-9);
    const double size = probe < 1 ? 0.1 : std::pow(10.0, std::floor(std::log10(probe))) / 2;
    const double steps = direction > 0 ? std::floor(value / size + 1e-6) + 1 : std::ceil(value / size - 1e-6) - 1;
    return std::max(std::round(steps * size * 1000) / 1000, 0.0);
}

/// Sets a cost. Passes take time; the halves of a backward stay in proportion.
changed set_ticks(const settings& of, field which, double value) {
    changed out{of, {}};
    const std::string name = describe(which).name;
    if ((which == field::forward || which == field::backward) && value <= 0) {
        out.note = name + " is 0 (a pass takes time) give ticks above 0";
    } else if (value > ticks_most) {
        out.note = name + " is too large (more than 1000000 ticks) give fewer";
    } else if (which == field::weight_gradient && value > of.backward) {
        out.note = "weights is more than backward (it is a part of it) give at most the backward's ticks";
    } else {
        if (which == field::backward) out.to.weight_gradient *= value / of.backward;
        *ticks(out.to, which) = value;
    }
    return out;
}

changed step_memory(const settings& of, int direction, double peak) {
    changed out{of, {}};
    if (of.memory) {
        out.to.memory = std::max(direction > 0 ? std::floor(*of.memory) + 1 : std::ceil(*of.memory) - 1, 1.0);
    } else if (direction < 0) {
        out.to.memory = std::max(std::ceil(peak), 1.0);
    }
    return out;
}

}  // namespace

bool is_number(field which) {
    settings any;
    return which == field::memory || whole_number(any, which) != nullptr || ticks(any, which) != nullptr;
}

changed step(const settings& of, field which, int direction, double peak) {
    changed out{of, {}};
    if (which == field::memory) return step_memory(of, direction, peak);
    if (whole_number(out.to, which) != nullptr) return change_whole(of, which, now(of, which) + direction, direction);
    if (const double* value = ticks(out.to, which)) return set_ticks(of, which, next_ticks(*value, direction));
    if (which == field::family) out.to = other_family(of, direction);
    if (which == field::recompute)
        out.to.of.recompute.mode =
            of.of.recompute.mode == recompute_mode::none ? recompute_mode::full : recompute_mode::none;
    at_option(which, out.to.of, [&](const family_option& option, auto& value) {
        using type = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<type, bool>) value = !value;
        if constexpr (std::is_enum_v<type>) value = neighbour(value, static_cast<int>(option.labels.size()), direction);
    });
    return out;
}

changed leap(const settings& of, field which, int direction) {
    changed out{of, {}};
    if (which == field::memory && of.memory) {
        out.to.memory = std::max(direction > 0 ? *of.memory * 2 : std::ceil(*of.memory / 2), 1.0);
    } else if (whole_number(out.to, which) != nullptr) {
        const std::int64_t value = now(of, which);
        if (value > whole_most / 2 && direction > 0) return out;
        return change_whole(of, which, direction > 0 ? value * 2 : std::max<std::int64_t>(value / 2, 1), direction);
    } else if (const double* value = ticks(out.to, which)) {
        return set_ticks(of, which, direction > 0 ? *value * 2 : *value / 2);
    }
    return out;
}

changed type(const settings& of, field which, std::string_view text) {
    changed out{of, {}};
    const char* const end = text.data() + text.size();
    if (int* const value = whole_number(out.to, which)) {
        std::int64_t typed = 0;  // one that no int holds is refused by the library, as the largest that does
        const auto [stop, failed] = std::from_chars(text.data(), end, typed);
        *value = static_cast<int>(std::clamp<std::int64_t>(typed, -whole_most, whole_most));
        if (failed == std::errc{} && stop == end) return out;
        return {of, "'" + std::string(text) + "' is no whole number in range (" + describe(which).name +
                        " counts) type digits alone"};
    }
    double value = 0;
    const auto [stop, failed] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (failed != std::errc{} || stop != end)
        return {of, "'" + std::string(text) + "' is no number (in range) type one such as 4 or 2.5"};
    if (which != field::memory) return set_ticks(of, which, value);
    out.to.memory = value > 0 ? std::optional(value) : std::nullopt;
    return out;
}

}  // namespace chimera::executor::play
