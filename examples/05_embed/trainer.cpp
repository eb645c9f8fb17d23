// SPDX-License-Identifier: Apache-2.0
// Trains a small model by a Chimera table, four threads as workers, and again on one thread: the same bits.
#include "runner.hpp"

#include <cstdio>
#include <deque>
#include <thread>

using namespace chimera;

constexpr auto& schedule_table = proven<table_of<bidirectional{.stages = 4, .micro_batches = 8}>>;
static_assert(idle(schedule_table, worker{0}) == 2);           // D - 2 bubbles
constexpr program_view table = fixed_lowered<schedule_table>;  // with every send, receive and reduction in its place

std::vector<stage> new_model() {
    return {{{{2, 32, true, 1}, {32, 32, true, 2}}},
            {{{32, 32, true, 3}}},
            {{{32, 32, true, 4}}},
            {{{32, 32, true, 5}, {32, 1, false, 6}}}};
}

/// One iteration on one thread. Only the order of additions is the table's: a stage's gradients are added on each of its
/// workers in the order of their backwards, and then worker after worker.
void iterate_alone(std::vector<stage>& model, const task& batch) {
    std::map<std::pair<int, int>, numbers> parts;  // the gradient of a stage by a unit
    for (int u = 0; u < table.head.micro_batches; ++u) {
        std::vector<std::vector<numbers>> kept;
        for (const stage& s : model) kept.push_back(s.forward(kept.empty() ? batch.inputs(u) : kept.back().back()));
        numbers gradient = batch.loss(u, kept.back().back());
        for (std::size_t s = model.size(); s-- > 0;)
            gradient = model[s].backward(kept[s], std::move(gradient), parts[{static_cast<int>(s), u}]);
    }
    for (int s = 0; s < table.head.stages; ++s) {
        numbers sum;
        for (const int w : table.replica_group(s)) {
            numbers of_worker;
            for (const instruction& i : table.row(w))
                if (i.op == action::backward && i.stage == s) add(of_worker, parts[{s, i.first}]);
            add(sum, of_worker);
        }
        model[static_cast<std::size_t>(s)].update(sum, batch.rate());
    }
}

int main() {
    exchange between;
    std::deque<runner> workers;
    for (int w = 0; w < table.head.workers; ++w) workers.emplace_back(w, table, new_model(), between);
    std::vector<stage> alone = new_model();

    float first = 0, last = 0;
    for (int iteration = 0; iteration < 600; ++iteration) {
        const task batch(iteration, table.head.micro_batches), same(iteration, table.head.micro_batches);
        {
            std::vector<std::jthread> threads;
            for (runner& w : workers) threads.emplace_back([&] { w.iterate(batch); });
        }
        iterate_alone(alone, same);
        if (batch.loss() != same.loss()) return std::printf("iteration %d: the losses differ\n", iteration), 1;
        last = batch.loss();
        if (iteration == 0) first = last;
        if (iteration % 100 == 99) std::printf("iteration %d: loss %.4f\n", iteration + 1, static_cast<double>(last));
    }
    for (int s = 0; s < table.head.stages; ++s)
        for (const int w : table.replica_group(s))
            for (std::size_t l = 0; l < alone[static_cast<std::size_t>(s)].layers.size(); ++l)
                if (workers[static_cast<std::size_t>(w)].holds(s).layers[l].weights !=
                    alone[static_cast<std::size_t>(s)].layers[l].weights)
                    return std::printf("stage %d on worker %d has other weights\n", s, w), 1;
    std::printf("four workers and one thread: the same bits; loss %.4f, at first %.4f\n", static_cast<double>(last),
                static_cast<double>(first));
    return last < first / 10 ? 0 : 1;
}
