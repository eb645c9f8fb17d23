// SPDX-License-Identifier: Apache-2.0
// Trains over MPI, a rank a worker: `mpirun -np 8 own_trainer_mpi`. Every rank compares with a run of its own on one
// thread.
#include "mpi.hpp"
#include "serial.hpp"

#include <chimera/chimera.hpp>

#include <cstdio>

using namespace chimera;

/// Returns whether this rank has the bits of a run on one thread.
bool train(program_argument program, int rank, int iterations) {
    const run_plan plan = make_run_plan(program, rank, {.rest = 1});
    mpi_worker mine(plan, new_model(program.head.stages), program);
    std::vector<stage> alone = new_model(program.head.stages);
    for (int iteration = 0; iteration < iterations; ++iteration) {
        const task batch(iteration, program.head.units()), again(iteration, program.head.units());
        mine.batch = &batch;
        run(plan, mine);
        iterate_alone(alone, again, program);
    }
    bool fits = true;
    for (int s = 0; s < program.head.stages; ++s) {
        const auto members = program.replica_group(s);
        if (std::ranges::find(members, rank) != members.end())
            fits = fits && same(mine.holds(s), alone[static_cast<std::size_t>(s)]);
    }
    return fits;
}

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0, ranks = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    int wrong = 0, schedules = 0;
    const auto trains = [&](const auto& spec) {
        if (spec.refused() != refusal::none || spec.workers() != ranks) return;
        const bool fits = train(lower(generate(spec)), rank, 20);
        if (!fits) std::printf("rank %d, %s: the bits differ\n", rank, spec.traits.name.data());
        wrong += fits ? 0 : 1, ++schedules;
    };
    trains(bidirectional{.stages = ranks, .micro_batches = 12});
    trains(interleaved{.stages = 2 * ranks, .micro_batches = 12, .chunks = 2});
    trains(zb_v{.stages = 2 * ranks, .micro_batches = 12});
    trains(dualpipe{.stages = ranks, .micro_batches = 2 * ranks});
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (wrong != 0 || schedules == 0)
        return std::printf("wrong, or no schedule for %d ranks\n", ranks), MPI_Finalize(), 1;
    if (rank == 0) std::printf("%d ranks and one thread: the same bits by %d schedules\n", ranks, schedules);
    MPI_Finalize();
}
