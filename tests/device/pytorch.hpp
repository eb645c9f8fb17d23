// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small GPT-2 trained for ten AdamW steps, against PyTorch in float64: tests/fixtures/make_gpt2.py made the numbers.

#include "executor/layers/gpt2_core.hpp"
#include "tests/device/support.hpp"

#include <fstream>
#include <map>

namespace chimera::executor::test::pytorch {

inline const gpt2_config config{.layers = 2, .heads = 4, .channels = 32, .vocabulary = 64, .context = 16};
inline const unit_shape unit{2, 16};
inline constexpr int units = 2, steps = 10;

using records = std::map<std::string, std::vector<double>>;

template <class Stored>
std::vector<double> read_numbers(std::istream& in, std::size_t count) {
    std::vector<Stored> stored(count);
    in.read(reinterpret_cast<char*>(stored.data()), static_cast<std::streamsize>(count * sizeof(Stored)));
    return {stored.begin(), stored.end()};
}

inline records read_fixture() {
    std::ifstream in(CHIMERA_SOURCE_DIR "/tests/fixtures/gpt2/training.bin", std::ios::binary);
    records result;
    std::string name, type;
    std::size_t count = 0;
    while (in >> name >> count >> type) {
        in.get();
        result[name] = type == "float64" ? read_numbers<double>(in, count) : read_numbers<float>(in, count);
    }
    return result;
}

/// The start values of make_gpt2.py.
inline float start(const std::string& name, std::size_t i) {
    std::int64_t key = 0;
    for (std::size_t c = 0; c < name.size(); ++c) key += static_cast<std::int64_t>(c + 1) * name[c];
    const double value = (double((std::int64_t(i) * 7919 + key * 104729) % 20011) / 20011 - 0.5) * 0.3;
    const bool norm = ("." + name).find(".ln_") != std::string::npos && name.ends_with("weight");
    return static_cast<float>(norm ? value + 1 : value);
}

inline std::vector<std::int32_t> numbers(int u, int shift) {
    std::vector<std::int32_t> result;
    for (int i = 0; i < unit.rows(); ++i)
        result.push_back((i * i * 5 + i * 11 + u * 29 + shift * 17) % config.vocabulary);
    return result;
}

/// Allowed errors, relative to a tensor's largest element.
struct tolerances {
    double loss, gradient, norm, weight;
};

template <class D>
class training {
public:
    explicit training(D& device) : device_(device) {}

    void run(const tolerances& allowed) {
        ASSERT_EQ(fixture_.size(), 2 * 29u + steps + 1) << "fixture missing or cut short";
        for (const parameter& p : model_.tensors()) {
            std::vector<float> values(p.size);
            for (std::size_t i = 0; i < p.size; ++i) values[i] = start(p.name, i);
            model_.write(p, stored::weight, values);
        }
        for (int s = 0; s < steps; ++s) {
            step(s);
            if (s == 0) compare_gradients(allowed.gradient);
            compare_norms(s, allowed.norm);
            model_.set_step({.learning_rate = 0.01, .epsilon = 1e-4, .gradient_scale = 1.0 / units, .step = s + 1});
            model_.update();
        }
        expect_near<double, double>(losses_, fixture_.at("losses"), allowed.loss, "losses");
        for (const parameter& p : model_.tensors())
            expect_near<double, double>(read(p, stored::weight), fixture_.at("weight." + p.name), allowed.weight,
                                        "weight " + p.name);
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
        for (int u = 0; u < units; ++u) data.push_back(numbers(u, s)), data.push_back(numbers(u, s + 1));
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

    records fixture_ = read_fixture();
    D& device_;
    gpt2_core<D> model_{device_, config, {0, config.layers, true, true}, unit, 0};
    std::vector<double> losses_;
};

}  // namespace chimera::executor::test::pytorch
