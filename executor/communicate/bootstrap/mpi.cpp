// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/mpi.hpp>

#include <chimera/core/error.hpp>

#ifdef CHIMERA_HAS_MPI
#include <mpi.h>

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

class mpi_meeting final : public meeting {
public:
    mpi_meeting(const identity& me, MPI_Comm all) : meeting(me), all_(all) { find_local(); }

    std::vector<blob> exchange(std::span<const std::byte> mine) override {
        const auto ranks = static_cast<std::size_t>(size());
        std::vector<int> sizes(ranks), offsets(ranks);
        const int own = static_cast<int>(mine.size());
        check(MPI_Allgather(&own, 1, MPI_INT, sizes.data(), 1, MPI_INT, all_), "MPI_Allgather");
        for (std::size_t r = 1; r < ranks; ++r) offsets[r] = offsets[r - 1] + sizes[r - 1];
        blob joined(static_cast<std::size_t>(offsets.back() + sizes.back()));
        check(MPI_Allgatherv(mine.data(), own, MPI_BYTE, joined.data(), sizes.data(), offsets.data(), MPI_BYTE, all_),
              "MPI_Allgatherv");
        std::vector<blob> blobs;
        for (std::size_t r = 0; r < ranks; ++r)
            blobs.emplace_back(joined.begin() + offsets[r], joined.begin() + offsets[r] + sizes[r]);
        return blobs;
    }

private:
    MPI_Comm all_;
};

}  // namespace

bool started_by_mpi() {
    const bool launched = std::getenv("OMPI_COMM_WORLD_RANK") || std::getenv("PMI_RANK") || std::getenv("PMIX_RANK");
    return launched && !std::getenv("RANK");
}

std::unique_ptr<meeting> meet_over_mpi() {
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
std::unique_ptr<meeting> meet_over_mpi() {
    refuse("no MPI (the program was built without it) build it where CMake finds MPI");
}

#endif

}  // namespace chimera::executor::detail
