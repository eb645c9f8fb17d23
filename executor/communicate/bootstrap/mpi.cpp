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

class mpi_meeting final : public rendezvous {
public:
    mpi_meeting(const identity& me, MPI_Comm all) : rendezvous(me), all_(all) { find_local(); }

    blob ask(std::span<const std::byte> mine, const answer& of_rank_0) override {
        const auto ranks = static_cast<std::size_t>(size());
        std::vector<int> sizes(ranks), offsets(ranks);
        const int own = count_of(mine.size());
        check(MPI_Gather(&own, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, all_), "MPI_Gather");
        for (std::size_t r = 1; r < ranks; ++r) offsets[r] = offsets[r - 1] + sizes[r - 1];
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
        said.resize(static_cast<std::size_t>(length));
        check(MPI_Bcast(said.data(), length, MPI_BYTE, 0, all_), "MPI_Bcast");
        return said;
    }
    std::string address() const override {
        std::array<char, 256> name{};
        gethostname(name.data(), name.size() - 1);
        return name.data();
    }

private:
    MPI_Comm all_;
};

}  // namespace

bool started_by_mpi() {
    const bool launched = std::getenv("OMPI_COMM_WORLD_RANK") || std::getenv("PMI_RANK") || std::getenv("PMIX_RANK");
    return launched && !std::getenv("RANK");
}

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
    return std::make_unique<mpi_meeting>(me, own);
}

#else

bool started_by_mpi() { return false; }
std::unique_ptr<rendezvous> meet_over_mpi() {
    refuse("no MPI (the program was built without it) build it where CMake finds MPI");
}

#endif

}  // namespace chimera::executor::detail
