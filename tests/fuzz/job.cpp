// SPDX-License-Identifier: Apache-2.0
// Any bytes as a job: a job that is written and read back the same, or an error of one line.
#include <chimera/core/error.hpp>
#include <executor/job/job.hpp>

#include <cstdlib>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace chimera::executor;
    try {
        const auto made = parse_job({reinterpret_cast<const char*>(data), size}, "x");
        const auto text = job_text(made);
        if (job_text(parse_job(text, "again")) != text) std::abort();
        check_job(made);
        job_hash(made, 1);
    } catch (const chimera::error& refused) {
        if (std::strchr(refused.what(), '\n')) std::abort();
    }
    return 0;
}
