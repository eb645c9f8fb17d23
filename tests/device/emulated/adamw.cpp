// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/adamw.cu>
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

executor::reference_device<double> reference;

executor::adamw_step settings(int step) {
    return {.learning_rate = 0.01,
            .beta_1 = 0.9,
            .beta_2 = 0.999,
            .epsilon = 1e-8,
            .weight_decay = 0.1,
            .gradient_scale = 0.25,
            .step = step};
}

constexpr std::size_t sizes[] = {1, 7, 17, 1003};

struct state {
    explicit state(std::size_t n, std::size_t shift)
        : master(random<float>(n, 1, 1, 0, shift)), m(n, shift), v(n, shift),
          gradients(random<float>(n, 2, 1, 0, shift)) {
        for (std::size_t i = 0; i < n; ++i) m[i] = v[i] = 0;
    }
    tensor<float> master, m, v, gradients;
};

/// Three steps, from moments of zero. A step is the learning rate times a ratio of about 1; epsilon keeps apart what is tiny.
TYPED_TEST(precision, adamw) {
    for (const std::size_t n : sizes)
        for (const std::size_t shift : shifts) {
            const state start(n, shift);
            const auto [values, master, m, v] = in_every_order([&] {
                std::tuple out(tensor<TypeParam>(n, shift), start.master, start.m, start.v);
                auto& [small, w, first, second] = out;
                for (int step = 1; step <= 3; ++step)
                    gpu::adamw(nullptr, small.data(), start.gradients.data(), w.data(), first.data(), second.data(), n,
                               settings(step));
                return out;
            });
            std::vector<double> ew = exact(start.master), em(n), ev(n);
            for (int step = 1; step <= 3; ++step)
                reference.adamw(ew.data(), nullptr, exact(start.gradients).data(), em.data(), ev.data(), n,
                                settings(step));
            expect_close(m, em, 8, "m");
            expect_close(v, ev, 8, "v");
            expect_close(master, ew, 8, "master");
            for (std::size_t i = 0; i < n; ++i)
                ASSERT_EQ(values[i], rounded<TypeParam>(static_cast<double>(master[i]))) << "not the master, rounded";
        }
}

TEST(adamw, values_may_be_their_own_master) {
    const state start(1003, 0);
    state other = start;
    tensor<float> values(1003), own = start.master;
    tensor<float> m = start.m, v = start.v;
    gpu::adamw(nullptr, values.data(), start.gradients.data(), other.master.data(), other.m.data(), other.v.data(),
               1003, settings(5));
    gpu::adamw(nullptr, own.data(), start.gradients.data(), static_cast<float*>(nullptr), m.data(), v.data(), 1003,
               settings(5));
    EXPECT_TRUE(same_bits(values, own));
    EXPECT_TRUE(same_bits(other.master, own));
}

TEST(adamw, numbers_in_device_memory) {
    const state start(1003, 0);
    state a = start, b = start;
    tensor<bf16> first(1003), second(1003);
    tensor<gpu::adamw_numbers> numbers(1);
    for (const int step : {1, 7}) {
        gpu::adamw(nullptr, first.data(), a.gradients.data(), a.master.data(), a.m.data(), a.v.data(), 1003,
                   settings(step));
        numbers[0] = gpu::numbers(settings(step));
        gpu::adamw(nullptr, second.data(), b.gradients.data(), b.master.data(), b.m.data(), b.v.data(), 1003,
                   numbers.data());
        EXPECT_TRUE(same_bits(first, second)) << step;
        EXPECT_TRUE(same_bits(a.master, b.master)) << step;
    }
}

}  // namespace
}  // namespace chimera::emulated
