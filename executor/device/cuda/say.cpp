// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/say.hpp>

#include <cstdio>
#include <mutex>
#include <set>

namespace chimera::executor::detail {

void say_once(const std::string& line) {
    static std::mutex one_at_a_time;  // workers are threads
    static std::set<std::string> said;
    const std::lock_guard lock(one_at_a_time);
    if (said.insert(line).second) std::fprintf(stderr, "chimera: note: %s\n", line.c_str());
}

}  // namespace chimera::executor::detail
