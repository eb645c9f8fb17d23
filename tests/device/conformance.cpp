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

}  // namespace chimera::executor::test
