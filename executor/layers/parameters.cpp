// SPDX-License-Identifier: Apache-2.0
#include <executor/layers/mix.hpp>
#include <executor/layers/parameters.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <system_error>
#include <thread>
#include <vector>

namespace chimera::executor {

namespace {

std::uint64_t key_of(const std::string& name, std::uint64_t seed) {
    std::uint64_t key = mix(seed);
    for (const char c : name) key = mix(key ^ static_cast<unsigned char>(c));
    return key;
}

/// Uniform in (0, 1), from the upper 53 bits.
double uniform(std::uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53; }

/// Standard normal number `i` of a stream (Box & Muller 1958).
double normal(std::uint64_t key, std::uint64_t i) {
    const double radius = std::sqrt(-2 * std::log(uniform(mix(key + 2 * i))));
    return radius * std::cos(2 * std::numbers::pi * uniform(mix(key + 2 * i + 1)));
}

}  // namespace

std::size_t parameter_list::add(std::string name, std::vector<std::int64_t> shape, parameter::start how,
                                double deviation, std::size_t room) {
    std::size_t size = 1;
    for (const auto extent : shape) size *= static_cast<std::size_t>(extent);
    const std::size_t offset = layout_.take(std::max(size, room));
    all_.push_back({std::move(name), std::move(shape), offset, size, how, deviation});
    return offset;
}

template <class Real>
void initialise(const parameter& p, std::uint64_t seed, std::span<Real> values) {
    if (p.how != parameter::start::normal) {
        std::ranges::fill(values, p.how == parameter::start::ones ? Real(1) : Real(0));
        return;
    }
    const std::uint64_t key = key_of(p.name, seed);
    const auto fill = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) values[i] = static_cast<Real>(p.deviation * normal(key, i));
    };
    // Each number depends on its place alone, so a large tensor is filled by all cores.
    constexpr std::size_t large = std::size_t{1} << 20;
    const std::size_t parts =
        std::clamp<std::size_t>(values.size() / large, 1, std::thread::hardware_concurrency() + 1);
    std::vector<std::jthread> others;
    std::size_t given = 1;  // parts that a thread has
    try {
        for (; given < parts; ++given)
            others.emplace_back(fill, values.size() * given / parts, values.size() * (given + 1) / parts);
    } catch (const std::system_error&) {  // no more threads to be had: this one does the rest
        fill(values.size() * given / parts, values.size());
    }
    fill(0, values.size() / parts);
}

template void initialise(const parameter&, std::uint64_t, std::span<float>);
template void initialise(const parameter&, std::uint64_t, std::span<double>);

}  // namespace chimera::executor
