// SPDX-License-Identifier: Apache-2.0
// Training on a device whose memory the host cannot see: the same bits as where it can.
#include "scratch.hpp"

#include <executor/communicate/local/local.hpp>
#include <executor/layers/owned_stage.hpp>
#include <executor/train/trainer.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <numeric>
#include <set>

using namespace chimera::executor;
using chimera::test::contents;
using chimera::test::scratch;

namespace {

/// Computes like the processor, but says that its memory is elsewhere: then all that the host wants to know must be moved.
struct remote_device : cpu_device {
    static constexpr bool on_host = false;
    using step_numbers = adamw_step;
    static step_numbers numbers(const adamw_step& step) { return step; }

    using cpu_device::adamw;
    void adamw(real* values, wide* master, const wide* gradients, wide* m, wide* v, std::size_t n,
               const step_numbers* elsewhere) {
        cpu_device::adamw(values, master, gradients, m, v, n, *elsewhere);
    }
    /// Most squares are 0, and clipping is off in these tests: the order of the sums shows nowhere.
    static void clip(const norm_limit& by, step_numbers* elsewhere, int count) {
        *by.norm = std::sqrt(std::accumulate(by.squares, by.squares + by.rows * by.columns, 0.0)) / by.units;
        const double factor = by.limit > 0 && *by.norm > by.limit ? by.limit / *by.norm : 1;
        for (int i = 0; i < count; ++i) elsewhere[i].gradient_scale = factor / by.units;
    }
};
static_assert(Device<remote_device>);

class remote_backend final : public backend {
public:
    explicit remote_backend(std::set<int>& workers) : workers_(workers) {}
    std::string name() const override { return "Elsewhere"; }
    bool on_host() const override { return false; }
    std::shared_ptr<model_stage> make_stage(int worker, const chimera::gpt2_sizes& config, const layer_range& layers,
                                            const unit_shape& unit, std::uint64_t seed) override {
        workers_.insert(worker);
        return make_owned_stage(remote_device(), config, layers, unit, seed);
    }
    std::unique_ptr<world> join(const chimera::program_view& of) override { return host_->join(of); }
    std::shared_ptr<std::byte> memory(int worker, std::size_t bytes) override { return host_->memory(worker, bytes); }

private:
    std::unique_ptr<backend> host_ = make_host_backend();
    std::set<int>& workers_;
};

job small_job(const scratch& folder, const char* output, const char* family) {
    job wanted;
    wanted.model = {4, 2, 16, 256, 16};
    std::string text;
    for (int i = 0; i < 6000; ++i) text += static_cast<char>('a' + i * i % 7 + i % 3);
    wanted.data = {folder.write("text.txt", text)};
    wanted.batch = {2, 16};
    wanted.schedule.which = family_named(family);
    wanted.optimiser.steps = 6;
    wanted.optimiser.learning_rate = 1e-2;
    wanted.optimiser.clip = 0;  // the sum of squares depends on where tensors lie
    wanted.output = folder / output;
    return wanted;
}

/// The tensors of a checkpoint; its header names the device.
std::string weights(const job& of) {
    const std::string all = contents(of.output / "checkpoint.safetensors");
    std::uint64_t header = 0;
    std::memcpy(&header, all.data(), sizeof header);
    return all.substr(sizeof header + header);
}

/// Stops the run by a signal after its third step, and goes on to the end.
void stop_and_go_on(const job& parts, train_options options) {
    options.after_step = [](std::int64_t now) {
        if (now == 3) std::raise(SIGTERM);
    };
    EXPECT_TRUE(train(parts, options).stopped);
    options.after_step = nullptr;
    options.resume = true;
    EXPECT_EQ(train(parts, options).step, 6);
}

TEST(backend, training_elsewhere_leaves_the_same_bits) {
    for (const char* family : {"bidirectional", "one_f_one_b", "pipedream_2bw"}) {
        const scratch folder;
        const job here = small_job(folder, "here", family), there = small_job(folder, "there", family);
        const train_report near = train(here);
        std::set<int> workers;
        train_options options;
        options.make_backend = [&](const job&, int) { return std::make_unique<remote_backend>(workers); };
        const train_report far = train(there, options);
        EXPECT_TRUE(weights(here) == weights(there)) << family;
        EXPECT_EQ(near.last_loss, far.last_loss);
        EXPECT_EQ(near.validation_loss, far.validation_loss);
        EXPECT_EQ(near.computed_on, "CPU");
        EXPECT_EQ(far.computed_on, "Elsewhere");
        EXPECT_THAT(report_text(far), testing::HasSubstr("Elsewhere"));
        EXPECT_EQ(workers.size(), 4u);
    }
}

TEST(backend, a_run_stopped_elsewhere_goes_on_there) {
    const scratch folder;
    std::set<int> workers;
    train_options options;
    options.make_backend = [&](const job&, int) { return std::make_unique<remote_backend>(workers); };
    job whole = small_job(folder, "whole", "bidirectional"), parts = small_job(folder, "parts", "bidirectional");
    train(whole, options);
    stop_and_go_on(parts, options);
    EXPECT_TRUE(weights(whole) == weights(parts));
}

TEST(backend, a_run_in_bf16_on_the_cpu_learns_and_goes_on_where_it_stopped) {
    if (!cpu_has_bf16()) GTEST_SKIP() << "this CPU lacks avx512_bf16";
    const scratch folder;
    job whole = small_job(folder, "whole", "bidirectional"), parts = small_job(folder, "parts", "bidirectional"),
        longer = small_job(folder, "longer", "bidirectional");
    whole.precision = parts.precision = training_precision::bf16;
    const train_report report = train(whole), fp32 = train(longer);
    EXPECT_LT(report.last_loss, 0.9 * report.first_loss);
    EXPECT_NEAR(report.first_loss, fp32.first_loss, 0x1p-7 * fp32.first_loss);
    EXPECT_NE(report.last_loss, fp32.last_loss);
    stop_and_go_on(parts, {});
    EXPECT_TRUE(weights(whole) == weights(parts));
    job other = parts;
    other.precision = training_precision::fp32;
    train_options again;
    again.resume = true;
    EXPECT_THROW(train(other, again), chimera::chimera_error);  // another job
}

}  // namespace
