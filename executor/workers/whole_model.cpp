// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/engine.hpp>
#include <executor/workers/whole_model.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace chimera::executor {

namespace {

/// The values alone: rank 0 knows what they belong to.
blob packed(std::span<const stage_tensors> stages) {
    blob to;
    for (const stage_tensors& one : stages)
        for (const auto part : {&one.weights, &one.moments})
            for (const named_tensor& tensor : *part) {
                const auto bytes = std::as_bytes(tensor.values);
                to.insert(to.end(), bytes.begin(), bytes.end());
            }
    return to;
}

/// The stages whose tensors a rank sends.
std::vector<int> stages_of(const program_view& of, int rank, int ranks) {
    std::vector<int> all;
    for (int s = 0; s < of.head.stages; ++s)
        if (of.replica_group(s)[0] / (of.head.workers / ranks) == rank) all.push_back(s);
    return all;
}

std::size_t bytes_of(const replicas& held, std::span<const int> stages) {
    std::size_t elements = 0;
    for (const int s : stages)
        for (const tensor_shape& each : held.shapes(s)) elements += 3 * each.size();  // the weight, m and v
    return elements * sizeof(float);
}

}  // namespace

/// Takes one tensor's values off the front of what a rank has sent.
std::span<float> whole_model::take(std::span<const std::byte>& from, std::size_t size, const std::string& name,
                                   int rank) {
    std::vector<float>& values = received_.emplace_back(size);
    std::memcpy(values.data(), from.data(), size * sizeof(float));
    from = from.subspan(size * sizeof(float));
    if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); }))
        throw run_failed("rank " + std::to_string(rank) + " sent values of " + name +
                         " that are not finite (the run diverged there) resume from the last checkpoint");
    return values;
}

stage_tensors whole_model::unpacked(const replicas& held, int stage, std::span<const std::byte>& from, int rank) {
    stage_tensors next;
    next.stage = stage;
    const auto shapes = held.shapes(stage);
    for (const tensor_shape& each : shapes)
        next.weights.push_back({each.name, each.shape, take(from, each.size(), each.name, rank)});
    for (const tensor_shape& each : shapes)
        for (const char* const moment : {"optimiser.m.", "optimiser.v."}) {
            const std::string name = moment + each.name;
            next.moments.push_back({name, each.shape, take(from, each.size(), name, rank)});
        }
    return next;
}

whole_model::whole_model(process_group& all, replicas& held) {
    std::vector<stage_tensors> stages = held.tensors(true);
    if (!all.alone()) {
        std::vector<std::vector<int>> sent(static_cast<std::size_t>(all.size()));
        std::vector<std::size_t> due(sent.size());
        for (std::size_t r = 1; r < sent.size(); ++r) {
            sent[r] = stages_of(held.program(), static_cast<int>(r), all.size());
            due[r] = bytes_of(held, sent[r]);
        }
        auto said = all.collect(all.leads() ? blob() : packed(stages), due);
        for (std::size_t r = 1; r < said.size(); ++r) {
            std::span<const std::byte> from = said[r];
            for (const int s : sent[r]) stages.push_back(unpacked(held, s, from, static_cast<int>(r)));
            said[r] = {};  // its values were taken out
        }
        std::ranges::sort(stages, {}, &stage_tensors::stage);
    }
    if (all.leads()) tensors_ = in_order(stages);
}

}  // namespace chimera::executor
