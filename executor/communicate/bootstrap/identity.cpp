// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/identity.hpp>

#include <chimera/core/error.hpp>

#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace chimera::executor {
namespace {

struct names {
    const char *rank, *size, *local;
};

/// A launcher inside a Slurm allocation inherits Slurm's variables: those of the launcher itself come first.
constexpr std::array sources{
    names{"RANK", "WORLD_SIZE", "LOCAL_RANK"},
    names{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    names{"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    names{"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"},
};

/// A batch script has Slurm's numbers too, those of a first task whose others srun has yet to start.
bool is_step(const environment& of) { return of("SLURM_STEP_ID") != nullptr; }

int number(const char* name, std::string_view text, int least, int most) {
    int value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        refuse(std::string(name) + " is '" + std::string(text) + "' (a whole number from " + std::to_string(least) +
               " to " + std::to_string(most) + " is needed) set it right or unset it");
    return value;
}

}  // namespace

environment process_environment() {
    return [](const char* name) -> const char* { return std::getenv(name); };
}

identity identify(const environment& of) {
    for (const names& n : sources) {
        const char *rank = of(n.rank), *size = of(n.size), *local = of(n.local);
        if (!rank && !size) continue;
        if (n.rank == sources.back().rank && !is_step(of)) continue;
        if (!rank || !size)
            refuse(std::string(rank ? n.size : n.rank) + " is not set (" + (rank ? n.rank : n.size) +
                   " is) set both or neither");
        identity me;
        me.size = number(n.size, size, 1, std::numeric_limits<int>::max());
        me.rank = number(n.rank, rank, 0, me.size - 1);
        if (local) me.local_rank = number(n.local, local, 0, me.size - 1);
        return me;
    }
    return {};
}

rendezvous_point find_meeting_point(const environment& of) {
    rendezvous_point at;
    if (const char* address = of("MASTER_ADDR"); address && *address) at.address = address;
    if (const char* port = of("MASTER_PORT"))
        at.port = static_cast<std::uint16_t>(number("MASTER_PORT", port, 1, 65535));
    if (const char* seconds = of("CHIMERA_TIMEOUT")) at.timeout_seconds = number("CHIMERA_TIMEOUT", seconds, 1, 86400);
    if (const char* job = of("CHIMERA_JOB"))
        at.job = job;
    else if (const char* slurm = of("SLURM_JOB_ID"))
        at.job = slurm;
    return at;
}

}  // namespace chimera::executor
