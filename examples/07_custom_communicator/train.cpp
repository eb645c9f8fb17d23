// SPDX-License-Identifier: Apache-2.0
// Four processes train a model by a Chimera table over sockets; each then repeats it with four threads: the same bits.
#include "socket_communicator.hpp"

#include <chimera/chimera.hpp>

#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>
#include <executor/layers/owned_stage.hpp>

#include <sys/wait.h>

#include <cstdio>

using namespace chimera;
using namespace chimera::executor;

constexpr auto& table = proven<table_of<bidirectional{.stages = 4, .micro_batches = 4}>>;
constexpr program_view program_of_all = fixed_lowered<table>;
constexpr int workers = 4, units = 4;

constexpr gpt2_sizes tiny{.layers = 4, .heads = 2, .channels = 32, .vocabulary = 256, .context = 16};
constexpr unit_shape one_unit{.sequences = 2, .tokens = 16};

/// Trains as those workers whose ends are given; the weights of the stages that worker `shown` holds.
std::vector<float> train(std::span<communicator* const> ends, int shown) {
    std::vector<std::int32_t> text;  // each number follows from the one before
    for (std::int32_t i = 0, x = 1; i <= units * one_unit.sequences * one_unit.tokens; ++i, x = x * 5 % 253)
        text.push_back(x);
    std::vector<unit_batch> batch;
    const auto size = static_cast<std::size_t>(one_unit.sequences * one_unit.tokens);
    for (std::size_t u = 0; u < units; ++u)
        batch.push_back({std::span(text).subspan(u * size, size), std::span(text).subspan(u * size + 1, size)});

    const std::vector<layer_range> layers = stage_layers(tiny, workers);
    std::map<std::pair<int, int>, std::shared_ptr<model_stage>> stages;  // by worker and stage
    for (communicator* end : ends)
        for (int s = 0; s < table.head.stages; ++s) {
            const auto holders = program_of_all.replica_group(s);
            if (std::find(holders.begin(), holders.end(), end->worker()) == holders.end()) continue;
            auto& made = stages[{end->worker(), s}];
            made = make_owned_stage(cpu_device(), tiny, layers[static_cast<std::size_t>(s)], one_unit, 1);
            made->set_batch(batch);
        }
    const stage_lookup lookup = [&](int worker, int stage) -> model_stage* {
        const auto found = stages.find({worker, stage});
        return found == stages.end() ? nullptr : found->second.get();
    };
    engine run(program_of_all, lookup, ends);
    for (int step = 1; step <= 10; ++step) {
        for (auto& [at, held] : stages)
            held->set_step({.learning_rate = 0.01, .gradient_scale = 1.0 / units, .step = step});
        run.run_iteration();
    }

    std::vector<float> weights;
    for (auto& [at, held] : stages) {
        if (at.first != shown) continue;
        for (const parameter& p : held->tensors()) {
            const std::span<float> values = held->in_place(p, stored::weight);
            weights.insert(weights.end(), values.begin(), values.end());
        }
    }
    return weights;
}

/// Plays one worker; the process's exit status.
int play(int worker, std::vector<int> sockets) try {
    std::vector<float> by_sockets;
    {
        socket_communicator end(worker, std::move(sockets));
        communicator* const ends[] = {&end};
        by_sockets = train(ends, worker);
    }
    local_world threads(workers);
    const bool same = by_sockets == train(threads.ends(), worker);
    std::printf("worker %d: %zu weights, %s\n", worker, by_sockets.size(), same ? "the same bits" : "other bits");
    return std::fflush(stdout), same ? 0 : 1;
} catch (const std::exception& failed) {
    std::fprintf(stderr, "worker %d: %s\n", worker, failed.what());
    return 1;
}

int main() {
    int sockets[workers][workers];
    for (int a = 0; a < workers; ++a) {
        sockets[a][a] = -1;
        for (int b = 0; b < a; ++b) {
            int pair[2];
            if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return std::perror("socketpair"), 1;
            sockets[a][b] = pair[0], sockets[b][a] = pair[1];
        }
    }
    for (int w = 0; w < workers; ++w) {
        if (::fork() != 0) continue;
        for (int other = 0; other < workers; ++other)  // the others' ends are theirs alone
            for (const int s : sockets[other])
                if (other != w && s >= 0) ::close(s);
        std::_Exit(play(w, {sockets[w], sockets[w] + workers}));
    }
    for (const auto& row : sockets)
        for (const int s : row)
            if (s >= 0) ::close(s);
    int failures = 0;
    for (int status = 0; ::wait(&status) > 0;) failures += status != 0;
    return failures;
}
