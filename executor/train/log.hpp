// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/io/files.hpp>
#include <executor/train/trainer.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace chimera::executor {

/// The figures of one iteration.
struct step_record {
    std::int64_t step = 0;  ///< iterations done with this one
    double loss = 0;        ///< mean over the iteration's tokens, nats
    double learning_rate = 0;
    double gradient_norm = 0;  ///< before clipping
    std::int64_t tokens = 0;   ///< trained on so far
    double seconds = 0;        ///< of the whole iteration
    double makespan = 0;       ///< measured, seconds
    double bubble_ratio = 0;   ///< measured
};

/// A JSONL file with one object a step. Lines go out whole; a write that fails throws chimera_error.
class step_log {
public:
    /// Starts anew, or, with `keep_until` >= 0, keeps the records of steps up to it (a resumed run repeats what came
    /// after its checkpoint) and drops a half-written last line.
    step_log(std::filesystem::path path, std::int64_t keep_until);
    void write(const step_record& record);

private:
    std::filesystem::path path_;
    descriptor file_;
};

/// What a log says of the steps up to one; nothing where it has no records of them.
std::optional<logged_figures> read_log(const std::filesystem::path& path, std::int64_t until);

/// One line for a terminal: step, loss, tokens per second, measured and predicted bubble with a note, time left.
std::string progress_line(const step_record& record, std::int64_t steps, double tokens_per_second,
                          double predicted_bubble, double seconds_left, const std::string& note = {});

/// "4 workers share 2 cores", where that is so: a worker that waits for a core idles as in a bubble. Else empty.
std::string sharing_text(int workers, int threads, int cores);

}  // namespace chimera::executor
