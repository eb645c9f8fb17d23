// SPDX-License-Identifier: Apache-2.0
// No order is longer than that of a peer's generator on as many workers, in as many chunks, at no more activations.
// peer_orders.csv has the makespans and peaks of PyTorch 2.15 (zb1p, zbv) and sail-sg's zero-bubble generators (the
// others), played in order by an independent simulation: forward, input_gradient and weight_gradient are times of a
// worker's share, cut evenly into its chunks, hop that from worker to worker; peak is in activations of a stage.

#include <chimera/core/query.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace chimera {
namespace {

std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> out;
    std::istringstream from(line);
    for (std::string cell; std::getline(from, cell, ',');) out.push_back(cell);
    return out;
}

family named(std::string_view text) {
    for (std::size_t i = 0; i < family_labels.size(); ++i)
        if (family_labels[i] == text) return static_cast<family>(i);
    ADD_FAILURE() << text;
    return family::gpipe;
}

int peak_of(const schedule& order) {
    int out = 0;
    for (int w = 0; w < order.head.workers; ++w) out = std::max(out, peak_units(order, worker{w}));
    return out;
}

TEST(peer_orders, none_is_longer_than_a_peers_at_its_memory) {
    std::ifstream file(CHIMERA_SOURCE_DIR "/tests/unit/peer_orders.csv");
    std::string line;
    std::getline(file, line);
    int rows = 0, shorter = 0;
    while (std::getline(file, line)) {
        SCOPED_TRACE(line);
        const auto cell = cells(line);
        ASSERT_EQ(cell.size(), 11U);
        const auto number = [&](std::size_t i) { return std::stod(cell[i]); };
        const int chunks = std::stoi(cell[2]);
        // Every time of the file is a whole number of ticks: twentieths, of a chunk; one where all are alike.
        const bool unit = number(5) == number(6) && number(6) == number(7) && number(8) == 0;
        const double scale = unit ? chunks : chunks == 1 ? 20 : 200;
        const auto ticks = [&](std::size_t i, int parts) {
            const double out = number(i) * scale / parts;
            EXPECT_NEAR(out, std::round(out), 1e-6);
            return static_cast<int>(std::lround(out));
        };
        family_spec spec{.which = named(cell[1]), .micro_batches = std::stoi(cell[4])};
        spec.stages = chunks * std::stoi(cell[3]);
        if (spec.which == family::zb_interleaved) spec.chunks = chunks;
        spec.forward_ticks = ticks(5, chunks);
        spec.input_ticks = ticks(6, chunks);
        spec.weight_ticks = ticks(7, chunks);
        spec.hop_ticks = ticks(8, 1);
        const int peak = std::stoi(cell[10]);
        const bool any_memory = cell[0] == "sail_v_auto" || spec.which == family::zb_interleaved;
        if (any_memory) spec.activations = peak;
        const schedule order = generate(spec);
        EXPECT_TRUE(verify(order).ok());
        if (any_memory) {
            EXPECT_LE(peak_of(order), peak);
        }
        // A family with its own memory may hold less than the peer, and then take longer.
        if (any_memory || peak <= peak_of(order)) {
            EXPECT_LE(makespan(order) / scale, number(9) * (1 + 1e-9));
        }
        shorter += makespan(order) / scale < number(9) * (1 - 1e-9) ? 1 : 0;
        ++rows;
    }
    EXPECT_EQ(rows, 338);
    EXPECT_GT(shorter, 150);
}

}  // namespace
}  // namespace chimera
