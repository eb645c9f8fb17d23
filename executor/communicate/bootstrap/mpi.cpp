// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/mpi.hpp>

#include <chimera/core/error.hpp>

#ifdef CHIMERA_HAS_MPI
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#endif

namespace chimera::executor::detail {

#ifdef CHIMERA_HAS_MPI

namespace {

void check(int status, const char* call) {
    if (status == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(status, text, &length);
    refuse(std::string(call) + " failed (" + text + ") look at what the launcher says");
}

void finalize() {
    int over = 0;
    if (MPI_Finalized(&over) == MPI_SUCCESS && over == 0) MPI_Finalize();
}

/// MPI counts in int.
int count_of(std::size_t bytes) {
    if (bytes > largest_payload)
        refuse(std::to_string(bytes) + " bytes are too many for one exchange (at most " +
               std::to_string(largest_payload) + ") send pieces");
    return static_cast<int>(bytes);
}

/// Refuses a length that a rank announces, where more than `most` bytes would come.
void check_size(int rank, int size, std::size_t most) {
    if (size >= 0 && static_cast<std::size_t>(size) <= most) return;
    throw bad_message("rank " + std::to_string(rank) + " sent a message of " + std::to_string(size) +
                      " bytes where at most " + std::to_string(most) +
                      " may come (not what this job allows) start the same build everywhere");
}

class mpi_meeting final : public rendezvous {
public:
    mpi_meeting(const identity& me, MPI_Comm all) : rendezvous(me), all_(all) {
        find_local();
        find_address();
    }

    blob ask(std::span<const std::byte> mine, const answer& of_rank_0, const limits& most) override {
        const auto ranks = static_cast<std::size_t>(size());
        std::vector<int> sizes(ranks), offsets(ranks);
        const int own = count_of(mine.size());
        check(MPI_Gather(&own, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, all_), "MPI_Gather");
        if (rank() == 0) {
            std::size_t together = 0;
            for (std::size_t r = 0; r < ranks; ++r) {
                check_size(static_cast<int>(r), sizes[r], most.said);
                offsets[r] = static_cast<int>(together);
                count_of(together += static_cast<std::size_t>(sizes[r]));
            }
        }
        blob joined(static_cast<std::size_t>(offsets.back() + sizes.back())), said;
        check(MPI_Gatherv(mine.data(), own, MPI_BYTE, joined.data(), sizes.data(), offsets.data(), MPI_BYTE, 0, all_),
              "MPI_Gatherv");
        if (rank() == 0) {
            std::vector<blob> each;
            for (std::size_t r = 0; r < ranks; ++r)
                each.emplace_back(joined.begin() + offsets[r], joined.begin() + offsets[r] + sizes[r]);
            said = of_rank_0(std::move(each));
        }
        int length = count_of(said.size());
        check(MPI_Bcast(&length, 1, MPI_INT, 0, all_), "MPI_Bcast");
        check_size(0, length, most.answered);
        said.resize(static_cast<std::size_t>(length));
        check(MPI_Bcast(said.data(), length, MPI_BYTE, 0, all_), "MPI_Bcast");
        return said;
    }
    std::string address() const override { return address_; }

private:
    /// MPI says no addresses: this machine's is the one from which another of the run's is reached.
    void find_address() {
        if (local_size() == size()) return;
        std::array<char, 256> name{};
        gethostname(name.data(), name.size() - 1);
        const std::string own = name.data();
        for (const blob& one : exchange(std::as_bytes(std::span(own)), name.size())) {
            const std::string host(reinterpret_cast<const char*>(one.data()), one.size());
            if (host == own || !address_.empty()) continue;
            address_ = address_towards(host);
        }
        if (address_.empty())
            refuse("no way leads from " + own +
                   " to the other ranks' machines (their names are not known here) start "
                   "the ranks with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT");
    }

    std::string address_;
    MPI_Comm all_;
};

}  // namespace

bool mpi_is_built_in() { return true; }

std::unique_ptr<rendezvous> meet_over_mpi() {
    int ready = 0;
    check(MPI_Initialized(&ready), "MPI_Initialized");
    if (ready == 0) {
        int given = 0;
        check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given), "MPI_Init_thread");
        std::atexit(finalize);
    }
    MPI_Comm own{};
    check(MPI_Comm_dup(MPI_COMM_WORLD, &own), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(own, MPI_ERRORS_RETURN);
    identity me;
    check(MPI_Comm_rank(own, &me.rank), "MPI_Comm_rank");
    check(MPI_Comm_size(own, &me.size), "MPI_Comm_size");
    const identity told = identify();
    if (told.size > 1 && told.size != me.size)
        refuse("MPI joins " + std::to_string(me.size) + " ranks (the launcher has started " +
               std::to_string(told.size) + ", with another MPI than this program's) use this program's own mpirun");
    return std::make_unique<mpi_meeting>(me, own);
}

#else

bool mpi_is_built_in() { return false; }
std::unique_ptr<rendezvous> meet_over_mpi() {
    refuse("no MPI (the program was built without it) build it where CMake finds MPI");
}

#endif

}  // namespace chimera::executor::detail
