// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/forecast/fit_costs.hpp>
#include <executor/io/fields.hpp>
#include <executor/train/log.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <vector>

namespace chimera::executor {

namespace {

constexpr std::size_t largest_log = std::size_t{1} << 32;

/// Calls `each` with every whole line that is a record of a step up to `until`, and with the record.
template <class Each>
void records(const std::string& text, std::int64_t until, Each each) {
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1) {
        const std::string_view line = std::string_view(text).substr(at, end + 1 - at);
        const auto record = nlohmann::json::parse(line, nullptr, false);
        if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) continue;
        if (record["step"].get<std::int64_t>() <= until) each(line, record);
    }
}

[[noreturn]] void fail(const std::filesystem::path& path, int number) {
    refuse("cannot write the log " + shown(path) + " (" + reason(number) + ") free space or choose another folder");
}

}  // namespace

step_log::step_log(std::filesystem::path path, std::int64_t keep_until) : path_(std::move(path)) {
    std::string kept;
    if (keep_until >= 0 && std::filesystem::exists(path_))
        records(read_file(path_, largest_log), keep_until, [&](std::string_view line, const auto&) { kept += line; });
    atomic_file anew(path_);  // in the place of whatever has the name: nothing is written through a link
    anew.append(kept);
    anew.commit();
    file_ = descriptor(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file_.get() < 0) fail(path_, errno);
}

void step_log::write(const step_record& r) {
    char text[512];
    const int size =
        std::snprintf(text, sizeof text,
                      "{\"step\":%lld,\"loss\":%.17g,\"learning_rate\":%.9g,\"gradient_norm\":%.9g,\"tokens\":%lld,"
                      "\"seconds\":%.6g,\"makespan\":%.6g,\"bubble_ratio\":%.6g}\n",
                      static_cast<long long>(r.step), r.loss, r.learning_rate, r.gradient_norm,
                      static_cast<long long>(r.tokens), r.seconds, r.makespan, r.bubble_ratio);
    const auto put = ::write(file_.get(), text, static_cast<std::size_t>(size));
    if (put != size) fail(path_, put < 0 ? errno : ENOSPC);
}

std::optional<logged_figures> read_log(const std::filesystem::path& path, std::int64_t until) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return std::nullopt;
    logged_figures found;
    std::vector<double> speeds, makespans, bubbles;
    records(read_file(path, largest_log), until, [&](std::string_view, const nlohmann::json& record) {
        const auto number = [&](const char* key) {
            const auto at = record.find(key);
            return at != record.end() && at->is_number() ? at->get<double>() : 0;
        };
        ++found.steps;
        found.last_loss = number("loss");
        const double tokens = number("tokens") / std::max(1.0, number("step"));  // of an iteration
        if (number("seconds") > 0) speeds.push_back(tokens / number("seconds"));
        makespans.push_back(number("makespan"));
        bubbles.push_back(number("bubble_ratio"));
    });
    if (found.steps == 0) return std::nullopt;
    found.tokens_per_second = median(speeds);
    found.makespan = median(makespans);
    found.bubble_ratio = median(bubbles);
    return found;
}

std::string progress_line(const step_record& r, std::int64_t steps, double tokens_per_second, double predicted_bubble,
                          double seconds_left, const std::string& note) {
    char text[256];
    const auto left = static_cast<long long>(std::llround(seconds_left));
    std::snprintf(
        text, sizeof text,
        "step %lld/%lld  loss %.4f  %.0f tokens/s  bubble %.1f %% (predicted %.1f %%%s%.60s)  %lld:%02lld left",
        static_cast<long long>(r.step), static_cast<long long>(steps), r.loss, tokens_per_second, 100 * r.bubble_ratio,
        100 * predicted_bubble, note.empty() ? "" : "; ", note.c_str(), left / 60, left % 60);
    return text;
}

std::string sharing_text(int workers, int threads, int cores) {
    if (workers * threads <= cores) return "";
    std::string out = std::to_string(workers) + (workers == 1 ? " worker" : " workers");
    if (threads > 1) out += " of " + std::to_string(threads) + " threads";
    return out + (workers == 1 ? " has " : " share ") + std::to_string(cores) + (cores == 1 ? " core" : " cores");
}

}  // namespace chimera::executor
