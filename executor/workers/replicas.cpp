// SPDX-License-Identifier: Apache-2.0
#include <executor/workers/replicas.hpp>

#include <utility>

namespace chimera::executor {

replicas::replicas(backend& on, const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers,
                   const unit_shape& unit, std::uint64_t seed)
    : program_(of), config_(config), layers_(layers.begin(), layers.end()),
      index_(static_cast<std::size_t>(of.head.workers) * static_cast<std::size_t>(of.head.stages), -1) {
    for (int s = 0; s < of.head.stages; ++s) {
        bool source = true;
        for (const int worker : of.replica_group(s)) {
            if (!on.plays(worker)) continue;
            auto model = on.make_stage(worker, config, layers[static_cast<std::size_t>(s)], unit, seed);
            index_[static_cast<std::size_t>(worker * of.head.stages + s)] = static_cast<std::int32_t>(all_.size());
            all_.push_back(
                {worker, s, worker == of.replica_group(s)[0], std::exchange(source, false), std::move(model)});
        }
    }
}

replicas::held* replicas::find(int worker, int stage) {
    const auto at = index_[static_cast<std::size_t>(worker * program_.head.stages + stage)];
    return at < 0 ? nullptr : &all_[static_cast<std::size_t>(at)];
}

stage_lookup replicas::lookup() {
    return [this](int worker, int stage) -> executor::stage* {
        const auto* found = find(worker, stage);
        return found ? found->model.get() : nullptr;
    };
}

void replicas::set_batch(const batch& next) {
    std::vector<unit_batch> units;
    for (int u = 0; u < next.units; ++u) units.push_back({next.inputs_of(u), next.targets_of(u)});
    for (auto& h : all_) h.model->set_batch(units);
}

std::vector<double> replicas::losses() const {
    std::vector<double> each(static_cast<std::size_t>(program_.head.units()));
    for (const auto& h : all_) {
        if (h.stage != program_.head.stages - 1) continue;
        const auto losses = h.model->losses();  // 0 for units that another copy has seen
        for (std::size_t u = 0; u < losses.size(); ++u) each[u] += losses[u];
    }
    return each;
}

void replicas::set_step(int worker, const adamw_step& step) {
    for (auto& h : all_)
        if (h.worker == worker) h.model->set_step(step);
}

double replicas::gradient_square_sum(int worker, int stage) {
    return find(worker, stage)->model->gradient_square_sum();
}

/// A tensor of the first copy: in place, or a copy on the host.
std::span<float> replicas::shown(held& h, const parameter& p, stored what) {
    if (const auto direct = h.model->in_place(p, what); !direct.empty()) return direct;
    std::vector<float>& copy = copies_[{h.stage, p.name, what}];
    copy.resize(p.size);
    h.model->read(p, what, copy);
    return copy;
}

std::vector<stage_tensors> replicas::tensors(bool leading) {
    std::vector<stage_tensors> all;
    for (auto& h : all_) {
        if (!h.source || (leading && !h.first)) continue;
        stage_tensors& one = all.emplace_back();
        one.stage = h.stage;
        for (const parameter& p : h.model->tensors()) {
            one.weights.push_back({p.name, p.shape, shown(h, p, stored::weight)});
            one.moments.push_back({"optimiser.m." + p.name, p.shape, shown(h, p, stored::m)});
            one.moments.push_back({"optimiser.v." + p.name, p.shape, shown(h, p, stored::v)});
        }
    }
    return all;
}

std::vector<named_tensor> in_order(std::span<const stage_tensors> stages) {
    std::vector<named_tensor> all;
    for (const auto part : {&stage_tensors::weights, &stage_tensors::moments})
        for (const stage_tensors& one : stages) all.insert(all.end(), (one.*part).begin(), (one.*part).end());
    return all;
}

void replicas::spread() {
    held* source = nullptr;
    for (auto& h : all_) {
        if (h.source) source = &h;  // the copies of a stage follow it
        for (const parameter& p : h.model->tensors())
            for (const stored what : {stored::weight, stored::m, stored::v}) {
                const auto direct = source->model->in_place(p, what);
                if (direct.empty())
                    h.model->write(p, what, copies_.at({h.stage, p.name, what}));
                else if (!h.source)
                    h.model->write(p, what, direct);
            }
    }
}

}  // namespace chimera::executor
