// SPDX-License-Identifier: Apache-2.0
// Orders beside those of peers' generators on as many workers, in as many chunks, at no more activations.
// The files have the makespans and peaks of PyTorch 2.15 (zb1p, zbv) and sail-sg's zero-bubble generators (the
// others), played in order by an independent simulation: forward, input_gradient and weight_gradient are times of a
// worker's share, cut evenly into its chunks, hop that from worker to worker; peak is in activations of a stage.

#include <chimera/core/query.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/verify.hpp>

#include "tests/dose.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iostream>
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

/// A row of the files: a peer's order, and the spec of ours for as many workers, chunks and activations.
struct peer_row {
    std::string text;
    family_spec spec;
    double makespan = 0;  ///< the peer's, in ticks
    int peak = 0;         ///< the peer's
};

/// Every time of the files is a whole number of ticks: twentieths, of a chunk; one where all are alike.
peer_row row_of(const std::string& line) {
    const auto cell = cells(line);
    EXPECT_EQ(cell.size(), 11U) << line;
    const auto number = [&](std::size_t i) { return std::stod(cell[i]); };
    const int chunks = std::stoi(cell[2]);
    const bool unit = number(5) == number(6) && number(6) == number(7) && number(8) == 0;
    const double scale = unit ? chunks : chunks == 1 ? 20 : 200;
    const auto ticks = [&](std::size_t i, int parts) {
        const double out = number(i) * scale / parts;
        EXPECT_NEAR(out, std::round(out), 1e-6) << line;
        return static_cast<int>(std::lround(out));
    };
    peer_row out{line, {.which = named(cell[1]), .micro_batches = std::stoi(cell[4])}, number(9) * scale, 0};
    out.spec.stages = chunks * std::stoi(cell[3]);
    if (out.spec.which == family::zb_interleaved) out.spec.chunks = chunks;
    out.spec.forward_ticks = ticks(5, chunks);
    out.spec.input_ticks = ticks(6, chunks);
    out.spec.weight_ticks = ticks(7, chunks);
    out.spec.hop_ticks = ticks(8, 1);
    out.spec.thorough = true;
    out.peak = std::stoi(cell[10]);
    if (cell[0] == "sail_v_auto" || out.spec.which == family::zb_interleaved) out.spec.activations = out.peak;
    return out;
}

/// By how much the orders of a file are longer than the peers', where those hold no more activations.
struct outcome {
    int rows = 0, shorter = 0, longer = 0;
    double most = 0;
};

/// Of so many rows one is played where tests hurry.
constexpr int thinned = dose(8) == 8 ? 1 : 8;

/// `stride`: of so many rows the first.
outcome play(const std::string& name, int stride = thinned) {
    std::ifstream file(std::string(CHIMERA_SOURCE_DIR "/tests/unit/") + name);
    std::string line;
    std::getline(file, line);
    outcome out;
    for (int i = 0; std::getline(file, line); ++i) {
        if (i % stride != 0) continue;
        const peer_row row = row_of(line);
        const schedule order = generate(row.spec);
        EXPECT_TRUE(verify(order).ok()) << line;
        const int peak = peak_of(order);
        if (row.spec.activations > 0) {
            EXPECT_LE(peak, row.spec.activations) << line;
        }
        const double ratio = makespan(order) / row.makespan - 1;
        ++out.rows;
        out.shorter += ratio < -1e-9 ? 1 : 0;
        // A family with its own memory may hold less than the peer, and then take longer.
        if (ratio <= 1e-9 || (row.spec.activations == 0 && row.peak > peak)) continue;
        ++out.longer;
        out.most = std::max(out.most, ratio);
        std::cout << line << ": ours is " << 100 * ratio << " % longer\n";
    }
    return out;
}

TEST(peer_orders, none_is_longer_than_a_peers_at_its_memory) {
    const outcome found = play("peer_orders.csv");
    EXPECT_EQ(found.rows, (338 + thinned - 1) / thinned);
    EXPECT_EQ(found.longer, 0);
    EXPECT_GE(found.shorter, 180 / thinned / thinned);
}

/// Rows of other sizes and costs; of v_auto, the best of all its building blocks at each peak.
TEST(peer_orders, none_is_longer_on_rows_that_were_held_back) {
    const outcome found = play("peer_orders_held_back.csv");
    EXPECT_EQ(found.rows, (427 + thinned - 1) / thinned);
    EXPECT_EQ(found.longer, 0);
    EXPECT_GE(found.shorter, 290 / thinned / thinned);
}

/// Rows made after the orders were fixed, of random sizes and costs: workers 2 to 15, micro-batches 1 to 45. Every
/// fourth, or with CHIMERA_EXHAUSTIVE all.
TEST(peer_orders, hardly_one_is_longer_on_rows_that_were_never_seen) {
    const bool all = std::getenv("CHIMERA_EXHAUSTIVE") != nullptr;
    const int stride = all ? 1 : 4 * thinned;
    const outcome found = play("peer_orders_fresh.csv", stride);
    EXPECT_EQ(found.rows, (683 + stride - 1) / stride);
    EXPECT_LE(found.longer, 1);
    EXPECT_LE(found.most, 0.002);
    EXPECT_GE(found.shorter, all ? 490 : 120 / thinned / thinned);
}

}  // namespace
}  // namespace chimera
