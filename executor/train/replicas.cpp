// SPDX-License-Identifier: Apache-2.0
#include <executor/train/replicas.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace chimera::executor {

replicas::replicas(backend& on, const program_view& of, const gpt2_config& config, std::span<const layer_range> layers,
                   const unit_shape& unit, std::uint64_t seed)
    : on_(on), program_(of), unit_(unit),
      index_(static_cast<std::size_t>(of.head.workers) * static_cast<std::size_t>(of.head.stages), -1) {
    for (int s = 0; s < of.head.stages; ++s) {
        for (const int worker : of.replica_group(s)) {
            auto model = on.make_stage(worker, config, layers[static_cast<std::size_t>(s)], unit, seed);
            index_[static_cast<std::size_t>(worker * of.head.stages + s)] = static_cast<std::int32_t>(all_.size());
            all_.push_back({worker, s, worker == of.replica_group(s)[0], std::move(model)});
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

model_stage* replicas::find_stage(int worker, int stage) {
    const held* found = find(worker, stage);
    return found ? found->model.get() : nullptr;
}

void replicas::set_batch(const batch& next) {
    std::vector<unit_batch> units;
    for (int u = 0; u < next.units; ++u) units.push_back({next.inputs_of(u), next.targets_of(u)});
    for (auto& h : all_) h.model->set_batch(units);
}

double replicas::loss() const {
    std::vector<double> each(static_cast<std::size_t>(program_.head.units()));
    for (const auto& h : all_) {
        if (h.stage != program_.head.stages - 1) continue;
        const auto losses = h.model->losses();  // 0 for units that another copy has seen
        for (std::size_t u = 0; u < losses.size(); ++u) each[u] += losses[u];
    }
    double sum = 0;
    for (const double loss : each) sum += loss;
    return sum / static_cast<double>(each.size());
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

std::vector<named_tensor> replicas::tensors() {
    std::vector<named_tensor> weights, moments;
    for (auto& h : all_) {
        if (!h.first) continue;
        for (const parameter& p : h.model->tensors()) {
            weights.push_back({p.name, p.shape, shown(h, p, stored::weight)});
            moments.push_back({"optimiser.m." + p.name, p.shape, shown(h, p, stored::m)});
            moments.push_back({"optimiser.v." + p.name, p.shape, shown(h, p, stored::v)});
        }
    }
    weights.insert(weights.end(), moments.begin(), moments.end());
    return weights;
}

void replicas::spread() {
    for (auto& h : all_) {
        held& first = *find(program_.replica_group(h.stage)[0], h.stage);
        for (const parameter& p : h.model->tensors())
            for (const stored what : {stored::weight, stored::m, stored::v}) {
                const auto direct = first.model->in_place(p, what);
                if (direct.empty())
                    h.model->write(p, what, copies_.at({h.stage, p.name, what}));
                else if (!h.first)
                    h.model->write(p, what, direct);
            }
    }
}

/// Pipelines no two of which share a stage's object.
std::vector<int> replicas::apart() const {
    std::vector<bool> used(index_.size());
    std::vector<int> chosen;
    for (int p = 0; p < program_.head.pipelines; ++p) {
        const auto at = [&](int s) {
            return static_cast<std::size_t>(program_.worker_of(p, s) * program_.head.stages + s);
        };
        bool free = true;
        for (int s = 0; s < program_.head.stages; ++s) free = free && !used[at(s)];
        if (!free) continue;
        for (int s = 0; s < program_.head.stages; ++s) used[at(s)] = true;
        chosen.push_back(p);
    }
    return chosen;
}

double replicas::score(int pipeline, const batch& one) {
    const unit_batch unit{one.inputs_of(0), one.targets_of(0)};
    std::shared_ptr<std::byte> input, output;
    for (int s = 0; s < program_.head.stages; ++s) {
        auto& model = *find(program_.worker_of(pipeline, s), s)->model;
        model.set_batch({&unit, 1});
        output = on_.memory(model.output_bytes());
        model.evaluate(0, input.get(), output.get());
        std::swap(input, output);
        if (s == program_.head.stages - 1) return model.losses()[0];
    }
    return 0;
}

double replicas::validate(const corpus& data, std::span<const std::size_t> starts, int cores) {
    const auto each = static_cast<std::size_t>(unit_.sequences);
    std::vector<double> losses(std::max<std::size_t>(1, starts.size() / each));
    std::atomic<std::size_t> next{0};
    const auto pipelines = apart();
    std::vector<std::exception_ptr> failures(std::min(pipelines.size(), static_cast<std::size_t>(std::max(1, cores))));
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < failures.size(); ++t)
        threads.emplace_back([&, t] {
            try {
                batch one;
                for (std::size_t i; (i = next++) < losses.size();) {
                    const auto part = starts.subspan(i * each, std::min(each, starts.size() - i * each));
                    fill_batch(data, part, 1, unit_.sequences, unit_.tokens, one);
                    losses[i] = score(pipelines[t], one);
                }
            } catch (...) {
                failures[t] = std::current_exception();
            }
        });
    for (auto& thread : threads) thread.join();
    for (const auto& failure : failures)
        if (failure) std::rethrow_exception(failure);
    double sum = 0;
    for (const double loss : losses) sum += loss;
    return sum / static_cast<double>(losses.size());
}

}  // namespace chimera::executor
