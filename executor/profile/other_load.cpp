// SPDX-License-Identifier: Apache-2.0
#include <executor/profile/other_load.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace chimera::executor {

other_load::other_load() : start_(now()) {}

other_load::times other_load::now() {
    times out;
    std::ifstream file("/proc/stat");
    std::string name;
    file >> name;  // the line of all cores: user, nice, system, idle, waiting for disks, interrupts twice, stolen
    double tick = 0;
    for (int column = 0; column < 8 && file >> tick; ++column) {
        tick /= static_cast<double>(::sysconf(_SC_CLK_TCK));
        out.all += tick;
        if (column != 3 && column != 4) out.busy += tick;
    }
    rusage own{};
    ::getrusage(RUSAGE_SELF, &own);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    out.own = seconds(own.ru_utime) + seconds(own.ru_stime);
    return out;
}

double other_load::share() const {
    const times end = now();
    const double all = end.all - start_.all;
    if (all <= 0) return 0;
    return std::clamp((end.busy - start_.busy - (end.own - start_.own)) / all, 0.0, 1.0);
}

}  // namespace chimera::executor
