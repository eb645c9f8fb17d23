// SPDX-License-Identifier: Apache-2.0
// A device of one's own given to the executor's layers: the processor's, which also counts what its matrix products compute.
// Whatever it does not override, operations of later versions included, stays that of the device it is made from.

#include <executor/device/device_memory.hpp>
#include <executor/layers/owned_stage.hpp>
#include <executor/model/executed_model.hpp>

#include <cstdio>
#include <map>
#include <vector>

using namespace chimera;
using namespace chimera::executor;

/// Counts the FLOPs of forward passes; a multiply and an add are two.
class counting_device : public cpu_device {
public:
    explicit counting_device(double& flops) : flops_(flops) {}

    prepared_linear prepare(linear_shape s, linear_role role = linear_role::any) {
        const prepared_linear made = cpu_device::prepare(s, role);
        work_[made] = 2.0 * s.rows * s.inputs * s.outputs;
        return made;
    }
    prepared_attention prepare(attention_shape s) { return cpu_device::prepare(s); }

    void linear_forward(prepared_linear p, const real* x, const real* w, const real* bias, const real* residual,
                        real* y) {
        flops_ += work_.at(p);
        cpu_device::linear_forward(p, x, w, bias, residual, y);
    }
    void linear_gelu_forward(prepared_linear p, const real* x, const real* w, const real* bias, real* before, real* y) {
        flops_ += work_.at(p);
        cpu_device::linear_gelu_forward(p, x, w, bias, before, y);
    }
    void attention_forward(const prepared_attention& p, const real* qkv, real* y, wide* log_sum) {
        flops_ += 4.0 * p.rows() * p.tokens * p.channels;  // two products of tokens × tokens a head
        cpu_device::attention_forward(p, qkv, y, log_sum);
    }

private:
    double& flops_;
    std::map<prepared_linear, double> work_;
};
static_assert(Device<counting_device>);

constexpr gpt2_sizes tiny{.layers = 3, .heads = 4, .channels = 64, .vocabulary = 256, .context = 32};
constexpr unit_shape one_unit{.sequences = 2, .tokens = 32};

/// Forward and backward of one unit through the whole model; its loss.
template <class D>
double loss_on(D device) {
    const auto model = make_owned_stage(std::move(device), tiny, stage_layers(tiny, 1).front(), one_unit, 1);
    std::vector<std::int32_t> tokens, targets;
    for (std::int32_t i = 0; i < one_unit.sequences * one_unit.tokens; ++i) {
        tokens.push_back(i * i % tiny.vocabulary);
        targets.push_back((i + 1) * (i + 1) % tiny.vocabulary);
    }
    const unit_batch batch{tokens, targets};
    model->set_batch({&batch, 1});
    const host_memory stash(model->stash_bytes(false));
    model->clear_gradients();
    model->forward(0, stash.data(), nullptr, nullptr);
    model->backward(0, stash.data(), nullptr, nullptr);
    return model->losses().front();
}

int main() {
    double counted = 0;
    const double loss = loss_on(counting_device(counted));

    // What the executor's description of this model says, layer by layer.
    gpt2_sizes of_units = tiny;
    of_units.tokens = one_unit.tokens;
    const model described = executed_gpt2(of_units);
    double expected = 0;
    for (const layer& l : described.layers) expected += one_unit.sequences * l.forward;

    std::printf("forward of a unit: %.0f FLOP, as described: %.0f; loss %.6f\n", counted, expected, loss);
    if (counted != expected) return std::puts("the counts differ"), 1;
    if (loss != loss_on(cpu_device())) return std::puts("counting changed the loss"), 1;
}
