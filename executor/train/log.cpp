// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/write.hpp>
#include <executor/train/log.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cmath>
#include <cstdio>

namespace chimera::executor {

namespace {

/// The lines of a log up to a step, without what is no record.
std::string kept_lines(const std::string& text, std::int64_t until) {
    std::string kept;
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1) {
        const auto record = nlohmann::json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                  text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
        if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) continue;
        if (record["step"].get<std::int64_t>() <= until) kept.append(text, at, end + 1 - at);
    }
    return kept;
}

[[noreturn]] void fail(const std::filesystem::path& path, int number) {
    refuse("cannot write the log " + shown(path) + " (" + reason(number) + ") free space or choose another folder");
}

}  // namespace

step_log::step_log(std::filesystem::path path, std::int64_t keep_until) : path_(std::move(path)) {
    if (keep_until >= 0 && std::filesystem::exists(path_))
        write_file(path_.string(), kept_lines(read_file(path_, std::size_t{1} << 32), keep_until));
    const int mode = keep_until >= 0 ? O_APPEND : O_TRUNC;
    file_ = descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0666));
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
