// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/time_products.hpp>

#include <chimera/core/error.hpp>
#include <executor/device/cuda/cuda_check.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace chimera::executor::detail {

namespace {

constexpr std::size_t most_sets = 16;

struct timer {
    cudaEvent_t begin{}, end{};
    timer() {
        check(cudaEventCreate(&begin), "making an event");
        check(cudaEventCreate(&end), "making an event");
    }
    ~timer() { cudaEventDestroy(begin), cudaEventDestroy(end); }
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
};

/// The first block is made on the host; it is doubled where it is to lie.
void fill_with_random_numbers(const device_memory& memory, cudaStream_t stream) {
    std::minstd_rand bits(1);
    std::vector<std::uint16_t> block(std::size_t{1} << 18);
    for (auto& word : block) {  // ±(0.5 to 1) as bfloat16, and as the upper halves of floats
        const auto fraction = static_cast<std::uint16_t>(bits() >> 12 & 0x7f);
        word = static_cast<std::uint16_t>(0x3f00u | fraction | (bits() >> 12 & 1) << 15);
    }
    std::size_t filled = std::min(2 * block.size(), memory.size());
    check(cudaMemcpyAsync(memory.data(), block.data(), filled, cudaMemcpyHostToDevice, stream), "filling test data");
    check(cudaStreamSynchronize(stream), "filling test data");
    while (filled < memory.size()) {
        const std::size_t more = std::min(filled, memory.size() - filled);
        check(cudaMemcpyAsync(memory.data() + filled, memory.data(), more, cudaMemcpyDeviceToDevice, stream),
              "filling test data");
        filled += more;
    }
}

}  // namespace

test_data::test_data(int gpu, cudaStream_t stream, std::size_t bytes) : bytes_((bytes + 255) / 256 * 256) {
    const auto cache = static_cast<std::size_t>(attribute(gpu, cudaDevAttrL2CacheSize));
    if (bytes_ < 2 * cache) sets_ = std::min(most_sets, 1 + (cache + bytes_ - 1) / bytes_);
    for (const std::size_t sets : {sets_, std::size_t{1}}) {
        try {
            memory_ = device_memory(gpu, sets * bytes_);
        } catch (const error&) {  // no room
            continue;
        }
        sets_ = sets;
        fill_with_random_numbers(memory_, stream);
        return;
    }
}

std::byte* test_data::next() {
    turn_ = (turn_ + 1) % sets_;
    return memory_.data() + turn_ * bytes_;
}

float best_time(cudaStream_t stream, const std::function<bool()>& start) {
    constexpr int rounds = 3, runs = 5;
    const timer t;
    float best = std::numeric_limits<float>::infinity();
    for (int round = 0; round <= rounds; ++round) {  // the first warms up
        bool started = true;
        check(cudaEventRecord(t.begin, stream), "timing");
        for (int i = 0; i < runs && started; ++i) started = start();
        check(cudaEventRecord(t.end, stream), "timing");
        check(cudaEventSynchronize(t.end), "timing");
        if (!started) return std::numeric_limits<float>::infinity();
        float time = 0;
        check(cudaEventElapsedTime(&time, t.begin, t.end), "timing");
        if (round > 0) best = std::min(best, time / runs);
    }
    return best;
}

}  // namespace chimera::executor::detail
