// SPDX-License-Identifier: Apache-2.0
#include "tests/device/conformance.hpp"

namespace chimera::executor::test {

struct on_cpu {
    using device = cpu_device;
    static std::unique_ptr<device> make() { return std::make_unique<device>(); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(cpu, conformance, on_cpu);

struct on_three_threads {
    using device = cpu_device;
    static std::unique_ptr<device> make() { return std::make_unique<device>(3); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(cpu_of_three_threads, conformance, on_three_threads);

struct in_bf16 {
    using device = cpu_device_in<bf16>;
    static std::unique_ptr<device> make() { return cpu_has_bf16() ? std::make_unique<device>() : nullptr; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(cpu_in_bf16, conformance, in_bf16);

/// With the plainest loops, which compute as the others do.
struct in_bf16_on_three_threads {
    using device = cpu_device_in<bf16>;
    static std::unique_ptr<device> make() {
        return cpu_has_bf16() ? std::make_unique<device>(*detail::usable_kernels().back(), 3) : nullptr;
    }
};
INSTANTIATE_TYPED_TEST_SUITE_P(cpu_in_bf16_of_three_threads, conformance, in_bf16_on_three_threads);

}  // namespace chimera::executor::test
