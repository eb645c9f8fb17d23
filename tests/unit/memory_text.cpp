// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/spec.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/memory_text.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace chimera {
namespace {

std::string bytes(double count) {
    std::string out;
    format::put_bytes(out, count);
    return out;
}

TEST(MemoryText, BytesInBinaryUnits) {
    EXPECT_EQ(bytes(0), "0 B");
    EXPECT_EQ(bytes(1023), "1023 B");
    EXPECT_EQ(bytes(1024), "1 KiB");
    EXPECT_EQ(bytes(1536), "1.5 KiB");
    EXPECT_EQ(bytes(12.34 * (1 << 20)), "12.3 MiB");
    EXPECT_EQ(bytes(16e9), "14.9 GiB");
    EXPECT_EQ(bytes(1e30), "867361737988 EiB");
}

std::vector<memory_row> two_workers() {
    std::vector<stage_memory> stages(2);
    stages[0] = {{10, 20, 30}, 5, 0, 0, 7, 3, 0};
    stages[1] = {{11, 21, 31}, 6, 0, 7, 0, 4, 0};
    return memory_timeline(lower(generate(one_f_one_b{2, 2})), stages, 1);
}

// Worker 0 keeps two micro-batches while one group receives the first gradient and sends the second activation. Worker 1 has let go
// of its first micro-batch when that group sends the gradient and receives the activation; its pool has room for 6 + 2 · 7 bytes.
TEST(MemoryText, NamesEveryPart) {
    EXPECT_EQ(memory_text(two_workers()),
              "worker     weights   gradients   optimiser activations  recomputed  boundaries   workspace        peak  "
              "  reserved\n"
              "0             10 B        20 B        30 B        10 B         0 B        14 B         3 B        87 B  "
              "      87 B\n"
              "1             11 B        21 B        31 B         0 B         0 B        14 B         4 B        81 B  "
              "      87 B\n");
}

TEST(MemoryText, JsonHasTheSameNumbers) {
    EXPECT_EQ(
        memory_json(two_workers()),
        "[\n  {\"weights\":10,\"gradients\":20,\"optimiser\":30,\"activations\":10,\"recomputed\":0,\"boundaries\":14,"
        "\"workspace\":3,\"peak\":87,\"reserved\":87,\"mark\":3},\n  {\"weights\":11,\"gradients\":21,\"optimiser\":31,"
        "\"activations\":0,\"recomputed\":0,\"boundaries\":14,\"workspace\":4,\"peak\":81,\"reserved\":87,\"mark\":4}"
        "]");
}

TEST(MemoryText, CsvHasALineForEveryInstruction) {
    const program p = lower(generate(one_f_one_b{2, 2}));
    const std::string text = memory_csv(p, two_workers());
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(text, '\n')), p.instructions.size() + 1);
    EXPECT_EQ(text.substr(text.find('\n') + 1, 33), "0,0,forward,0,0,5,0,7,75\n0,1,send");
}

}  // namespace
}  // namespace chimera
