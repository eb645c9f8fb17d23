// SPDX-License-Identifier: Apache-2.0
#pragma once

// GPT-2 trained for ten AdamW steps, against PyTorch in float64: tests/fixtures/make_gpt2.py made the numbers.

#include <executor/layers/gpt2_stage.hpp>
#include "tests/device/support.hpp"

#include <fstream>
#include <map>

namespace chimera::executor::test::pytorch {

inline constexpr int units = 2, steps = 10;

/// What make_gpt2.py trains, by the same formulas.
struct sample {
    gpt2_sizes config;
    unit_shape unit;
    double learning_rate, epsilon;
    const char* file;
    std::size_t records;
    float (*start)(const std::string& name, std::size_t i);
    std::vector<std::int32_t> (*numbers)(int unit, int step, bool targets);
};

using records = std::map<std::string, std::vector<double>>;

template <class Stored>
std::vector<double> read_numbers(std::istream& in, std::size_t count) {
    std::vector<Stored> stored(count);
    in.read(reinterpret_cast<char*>(stored.data()), static_cast<std::streamsize>(count * sizeof(Stored)));
    return {stored.begin(), stored.end()};
}

inline records read_fixture(const char* file) {
    std::ifstream in(std::string(CHIMERA_SOURCE_DIR "/tests/fixtures/gpt2/") + file, std::ios::binary);
    records result;
    std::string name, type;
    std::size_t count = 0;
    while (in >> name >> count >> type) {
        in.get();
        result[name] = type == "float64" ? read_numbers<double>(in, count) : read_numbers<float>(in, count);
    }
    return result;
}

inline std::int64_t key_of(const std::string& name) {
    std::int64_t key = 0;
    for (std::size_t c = 0; c < name.size(); ++c) key += static_cast<std::int64_t>(c + 1) * name[c];
    return key;
}
inline bool is_norm(const std::string& name) {
    return ("." + name).find(".ln_") != std::string::npos && name.ends_with("weight");
}

inline const sample small{
    .config = {.layers = 2, .heads = 4, .channels = 32, .vocabulary = 64, .context = 16},
    .unit = {2, 16},
    .learning_rate = 0.01,
    .epsilon = 1e-4,
    .file = "training.bin",
    .records = 2 * 29 + steps + 1,
    .start =
        [](const std::string& name, std::size_t i) {
            const double value = (double((std::int64_t(i) * 7919 + key_of(name) * 104729) % 20011) / 20011 - 0.5) * 0.3;
            return static_cast<float>(is_norm(name) ? value + 1 : value);
        },
    .numbers =
        [](int u, int step, bool targets) {
            std::vector<std::int32_t> result;
            for (int i = 0; i < 32; ++i) result.push_back((i * i * 5 + i * 11 + u * 29 + (step + targets) * 17) % 64);
            return result;
        }};

inline std::uint64_t scattered(std::int64_t key, std::size_t i) {
    std::uint64_t h = (i * 2654435761U + static_cast<std::uint64_t>(key) * 40503U) & 0xffffffffU;
    for (int round = 0; round < 2; ++round) h = ((h ^ (h >> 16U)) * 73244475U) & 0xffffffffU;
    return h ^ (h >> 16U);
}

/// The same two sequences in every step.
inline const sample gpt2_124m{
    .config = {.layers = 12, .heads = 12, .channels = 768, .vocabulary = 50257, .context = 1024},
    .unit = {1, 64},
    .learning_rate = 1e-4,
    .epsilon = 1e-8,
    .file = "124m.bin",
    .records = steps + 1,
    .start =
        [](const std::string& name, std::size_t i) {
            if (name.ends_with("bias") || is_norm(name)) return is_norm(name) ? 1.F : 0.F;
            const double deviation = name.ends_with("c_proj.weight") ? 0.02 / std::sqrt(24.0) : 0.02;
            return static_cast<float>((double(scattered(key_of(name), i)) / 0x1p32 - 0.5) *
                                      (deviation * std::sqrt(12.0)));
        },
    .numbers =
        [](int u, int, bool targets) {
            std::vector<std::int32_t> result;
            for (std::size_t i = 0; i < 64; ++i)
                result.push_back(static_cast<std::int32_t>(scattered(u + 1, i + targets) % 50257));
            return result;
        }};

/// Allowed errors, relative to a tensor's largest element.
struct tolerances {
    double loss, gradient, norm, weight;
};

template <class D>
class training {
public:
    training(D& device, const sample& what) : what_(what), device_(device) {}

    /// `count`: so many of the steps.
    void run(const tolerances& allowed, int count = steps) {
        ASSERT_EQ(fixture_.size(), what_.records) << "fixture missing or cut short";
        for (const parameter& p : model_.tensors()) {
            std::vector<float> values(p.size);
            for (std::size_t i = 0; i < p.size; ++i) values[i] = what_.start(p.name, i);
            model_.write(p, stored::weight, values);
        }
        for (int s = 0; s < count; ++s) {
            step(s);
            if (s == 0) compare_gradients(allowed.gradient);
            compare_norms(s, allowed.norm);
            model_.set_step({.learning_rate = what_.learning_rate,
                             .epsilon = what_.epsilon,
                             .gradient_scale = 1.0 / units,
                             .step = s + 1});
            model_.update();
        }
        std::vector<double> losses = fixture_.at("losses");
        losses.resize(losses_.size());
        expect_near<double, double>(losses_, losses, allowed.loss, "losses");
        for (const parameter& p : model_.tensors())
            if (const auto kept = fixture_.find("weight." + p.name); kept != fixture_.end())
                expect_near<double, double>(read(p, stored::weight), kept->second, allowed.weight, "weight " + p.name);
    }

private:
    using real = typename D::real;
    using wide = typename D::wide;

    std::vector<double> read(const parameter& p, stored what) {
        std::vector<wide> values(p.size);
        device_.download(values.data(), model_.place(p, what), p.size * sizeof(wide));
        return {values.begin(), values.end()};
    }

    void step(int s) {
        std::vector<std::vector<std::int32_t>> data;
        for (int u = 0; u < units; ++u)
            for (const bool targets : {false, true}) data.push_back(what_.numbers(u, s, targets));
        const unit_batch batch[] = {{data[0], data[1]}, {data[2], data[3]}};
        model_.set_batch(batch);
        model_.clear_gradients();
        const std::size_t bytes = model_.stash_size(false) * sizeof(real);
        const std::vector<std::byte> poison(bytes, std::byte{0xff});
        for (int u = 0; u < units; ++u) {
            const auto stash = device_.allocate(bytes);
            device_.upload(stash.data(), poison.data(), bytes);
            model_.forward(u, reinterpret_cast<real*>(stash.data()), nullptr, nullptr);
            model_.backward(u, reinterpret_cast<real*>(stash.data()), nullptr, nullptr);
            device_.finish();
        }
        const auto losses = model_.losses();
        losses_.insert(losses_.end(), losses.begin(), losses.end());
    }

    void compare_gradients(double tolerance) {
        if (!fixture_.contains("gradient.wte.weight")) return;
        double largest = 0;
        for (const parameter& p : model_.tensors())
            largest = magnitude<double>(fixture_.at("gradient." + p.name), largest);
        for (const parameter& p : model_.tensors()) {
            std::vector<double> mean = read(p, stored::gradient), expected = fixture_.at("gradient." + p.name);
            for (double& g : mean) g /= units;
            mean.push_back(largest / 100), expected.push_back(largest / 100);  // a floor for tensors of tiny gradients
            expect_near<double, double>(mean, expected, tolerance, "gradient " + p.name);
        }
    }

    void compare_norms(int s, double tolerance) {
        std::vector<double> norms;
        const auto place = device_.allocate(sizeof(double));
        for (const parameter& p : model_.tensors()) {
            double squares = 0;
            device_.sum_of_squares(model_.place(p, stored::gradient), p.size, reinterpret_cast<double*>(place.data()));
            device_.download(&squares, place.data(), sizeof squares);
            norms.push_back(std::sqrt(squares) / units);
        }
        expect_near<double, double>(norms, fixture_.at("norms." + std::to_string(s)), tolerance,
                                    "gradient norms of step " + std::to_string(s));
    }

    const sample& what_;
    records fixture_ = read_fixture(what_.file);
    D& device_;
    gpt2_stage<D> model_{device_, what_.config, {0, what_.config.layers, true, true}, what_.unit, 0};
    std::vector<double> losses_;
};

}  // namespace chimera::executor::test::pytorch
