// SPDX-License-Identifier: Apache-2.0
#include <executor/workers/byte_stream.hpp>
#include <executor/workers/whole_model.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

blob packed(std::span<const stage_tensors> stages) {
    packer to;
    for (const stage_tensors& one : stages) {
        to.add(static_cast<std::int32_t>(one.stage));
        for (const auto part : {&one.weights, &one.moments}) {
            to.add(static_cast<std::uint64_t>(part->size()));
            for (const named_tensor& tensor : *part) {
                to.add_text(tensor.name);
                to.add_all(std::span<const std::int64_t>(tensor.shape));
                to.add_all(std::span<const float>(tensor.values));
            }
        }
    }
    return to.bytes();
}

}  // namespace

whole_model::whole_model(crew& all, replicas& held) {
    std::vector<stage_tensors> stages = held.tensors(true);
    if (!all.alone()) {
        auto said = all.collect(all.leads() ? blob() : packed(stages));
        for (blob& one : said) {
            for (unpacker from(one); !from.empty();) {
                stage_tensors& next = stages.emplace_back();
                next.stage = from.take<std::int32_t>();
                for (const auto part : {&next.weights, &next.moments})
                    for (auto left = from.take<std::uint64_t>(); left > 0; --left) {
                        named_tensor tensor{from.take_text(), from.take_all<std::int64_t>(), {}};
                        tensor.values = received_.emplace_back(from.take_all<float>());
                        part->push_back(std::move(tensor));
                    }
            }
            one = {};  // its values were taken out
        }
        std::ranges::sort(stages, {}, &stage_tensors::stage);
    }
    if (all.leads()) tensors_ = in_order(stages);
}

}  // namespace chimera::executor
