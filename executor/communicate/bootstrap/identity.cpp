// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/identity.hpp>
#include <executor/communicate/bootstrap/peer_text.hpp>

#include <chimera/core/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace chimera::executor {
namespace {

struct names {
    const char *rank, *size, *local, *local_size;
};

/// A launcher inside a Slurm allocation inherits Slurm's variables: those of the launcher itself come first. Of a
/// Slurm step only its own numbers count, SLURM_NTASKS may be the allocation's.
constexpr std::array sources{
    names{"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    names{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
    names{"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    names{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", nullptr},
};
constexpr const names& slurm = sources.back();

int number(const char* name, std::string_view text, int least, int most) {
    int value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        refuse(std::string(name) + " is '" + peer_text(text) + "' (a whole number from " + std::to_string(least) +
               " to " + std::to_string(most) + " is needed) set it right or unset it");
    return value;
}

/// A batch script and a shell inside an allocation have Slurm's numbers too, those of a first task whose others srun
/// has yet to start. Slurm counts their steps down from 2^32 - 3 (slurm.h: SLURM_BATCH_SCRIPT, SLURM_INTERACTIVE_STEP).
bool is_step(const environment& of) {
    const char* step = of("SLURM_STEP_ID");
    if (!step) step = of("SLURM_STEPID");
    if (!step) return false;
    const std::string_view text = step;
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    return fault == std::errc{} && end == text.data() + text.size() && value < 0xfffffff0;
}

/// The variables of whoever started this process, or null.
const names* source_of(const environment& of) {
    for (const names& n : sources)
        if ((of(n.rank) || of(n.size)) && (&n != &slurm || is_step(of))) return &n;
    return nullptr;
}

/// Slurm before version 14.11 says the number of tasks of a step in SLURM_NTASKS alone.
const char* size_of(const environment& of, const names& n) {
    const char* size = of(n.size);
    return size || &n != &slurm ? size : of("SLURM_NTASKS");
}

std::string address_of(const std::string& given) {
    std::string address = given;
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    const auto wrong = [&](const char* why) {
        refuse("MASTER_ADDR is '" + peer_text(given) + "' (" + why +
               ") set it to the address, and MASTER_PORT to the port");
    };
    if (address.empty() || address.size() > 253) wrong("no name and no number of a machine");
    const auto colons = std::ranges::count(address, ':');
    if (colons == 1 || (colons > 1 && address.find("]:") != address.npos)) wrong("a port stands in it");
    const auto may = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("-._:%").find(c) != std::string_view::npos;
    };
    if (!std::ranges::all_of(address, may)) wrong("no name and no number of a machine");
    return address;
}

/// The place where ranks meet that have not been told.
std::string usual_address(const environment& of) {
    const rendezvous_point usual;
    if (!on_several_machines(of)) return usual.address;
    if (source_of(of) == &slurm)
        if (const char* nodes = of("SLURM_STEP_NODELIST"); nodes && *nodes)
            return address_of(detail::first_node(nodes));
    refuse("MASTER_ADDR is not set (the ranks are on several machines) set it to the address of rank 0's machine");
}

}  // namespace

environment process_environment() {
    return [](const char* name) -> const char* { return std::getenv(name); };
}

identity identify(const environment& of) {
    const names* from = source_of(of);
    if (!from) return {};
    const names& n = *from;
    const char *rank = of(n.rank), *size = size_of(of, n), *local = of(n.local);
    if (!rank || !size)
        refuse(std::string(rank ? n.size : n.rank) + " is not set (" + (rank ? n.rank : n.size) +
               " is) set both or neither");
    identity me;
    me.size = number(n.size, size, 1, std::numeric_limits<int>::max());
    me.rank = number(n.rank, rank, 0, me.size - 1);
    if (local) me.local_rank = number(n.local, local, 0, me.size - 1);
    return me;
}

bool on_several_machines(const environment& of) {
    const names* from = source_of(of);
    if (!from) return false;
    if (from == &slurm) {
        const char* nodes = of("SLURM_STEP_NUM_NODES");
        if (!nodes) nodes = of("SLURM_NNODES");
        return nodes && number("SLURM_STEP_NUM_NODES", nodes, 1, std::numeric_limits<int>::max()) > 1;
    }
    const char *here = of(from->local_size), *all = of(from->size);
    if (!here || !all) return false;
    const int most = number(from->size, all, 1, std::numeric_limits<int>::max());
    return number(from->local_size, here, 1, most) < most;
}

rendezvous_point find_meeting_point(const environment& of) {
    rendezvous_point at;
    const bool alone = identify(of).size == 1;
    if (const char* address = of("MASTER_ADDR"); address && *address)
        at.address = address_of(address);
    else if (!alone)
        at.address = usual_address(of);
    if (const char* port = of("MASTER_PORT")) {
        const int given = number("MASTER_PORT", port, 1, 65535);
        const char* store = of("TORCHELASTIC_USE_AGENT_STORE");
        const bool taken = store && std::string_view(store) == "True";
        at.port = static_cast<std::uint16_t>(!taken ? given : given < 65535 ? given + 1 : given - 1);
    }
    if (const char* seconds = of("CHIMERA_TIMEOUT")) at.timeout_seconds = number("CHIMERA_TIMEOUT", seconds, 1, 86400);
    if (const char* job = of("CHIMERA_JOB"))
        at.job = job;
    else if (const char* slurm_job = of("SLURM_JOB_ID"))
        at.job = slurm_job;
    return at;
}

bool started_by_mpi(const environment& of) {
    if (of("RANK")) return false;
    if (of("OMPI_COMM_WORLD_RANK")) return true;
    if (of("PMI_RANK")) return identify(of).size > 1;
    // srun sets it in a shell inside an allocation, too.
    return of("PMIX_RANK") && (!of("SLURM_JOB_ID") || identify(of).size > 1);
}

namespace detail {

std::string first_node(const std::string& nodes) {
    std::string name;
    for (std::size_t i = 0; i < nodes.size() && nodes[i] != ',';) {
        if (nodes[i] != '[') {
            name += nodes[i++];
            continue;
        }
        const auto end = nodes.find(']', i);
        if (end == nodes.npos) return {};
        name += nodes.substr(i + 1, nodes.find_first_of(",-]", i + 1) - i - 1);
        i = end + 1;
    }
    return name;
}

}  // namespace detail
}  // namespace chimera::executor
