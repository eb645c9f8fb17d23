// SPDX-License-Identifier: Apache-2.0
#include <chimera/model/catalogue.hpp>
#include <executor/io/model_family.hpp>
#include <executor/model/executed_model.hpp>

namespace chimera::executor::detail {

namespace {

constexpr std::int64_t most = std::int64_t{1} << 28;

/// Sizes that the file may give; the family's own check says what does not fit together.
class sizes {
public:
    sizes(fields* of, const model_changes& asked) : of_(of), asked_(asked) {}
    template <class Number>
    void operator()(const char* key, Number& into, std::int64_t least = 1) {
        if (of_ != nullptr) of_->read(key, into, least, most);
    }
    void operator()(const char* key, bool& into) {
        if (of_ != nullptr) of_->read(key, into);
    }

    /// Returns what was read with the user's changes.
    template <class Sizes>
    Sizes changed(const Sizes& read) const {
        return changed_sizes(read, asked_);
    }

private:
    fields* of_;
    model_changes asked_;
};

void read(sizes get, gpt2_sizes& into) {
    get("layers", into.layers), get("heads", into.heads), get("channels", into.channels);
    get("vocabulary", into.vocabulary), get("context", into.context), get("tokens", into.tokens, 0);
}

model made_gpt2(const keeping& how, sizes get) {
    gpt2_sizes of{.how = how};
    read(get, of), get("tied", of.tied);
    return gpt2(get.changed(of));
}

model made_executed(const keeping&, sizes get) {
    gpt2_sizes of;
    std::int64_t sequences = 1;
    read(get, of), get("sequences", sequences);
    return executed_gpt2(get.changed(of), sequences);
}

model made_bert(const keeping& how, sizes get) {
    bert_sizes of{.how = how};
    get("layers", of.layers), get("heads", of.heads), get("channels", of.channels);
    get("vocabulary", of.vocabulary), get("context", of.context), get("tokens", of.tokens, 0);
    get("segments", of.segments), get("tied", of.tied);
    return bert(get.changed(of));
}

model made_llama(const keeping& how, sizes get) {
    llama_sizes of{.how = how};
    get("layers", of.layers), get("heads", of.heads), get("shared_heads", of.shared_heads);
    get("channels", of.channels), get("inner", of.inner), get("vocabulary", of.vocabulary);
    get("context", of.context), get("tokens", of.tokens, 0), get("tied", of.tied);
    return llama(get.changed(of));
}

model made_t5(const keeping& how, sizes get) {
    t5_sizes of{.how = how};
    get("layers", of.layers), get("heads", of.heads), get("head_size", of.head_size);
    get("channels", of.channels), get("inner", of.inner), get("vocabulary", of.vocabulary);
    get("buckets", of.buckets), get("tokens", of.tokens), get("targets", of.targets), get("tied", of.tied);
    return t5(get.changed(of));
}

model made_vit(const keeping& how, sizes get) {
    vit_sizes of{.how = how};
    get("layers", of.layers), get("heads", of.heads), get("channels", of.channels), get("image", of.image);
    get("patch", of.patch), get("colours", of.colours), get("classes", of.classes);
    return vit(get.changed(of));
}

model made_resnet(const keeping& how, sizes get) {
    resnet_sizes of{.bytes = how.bytes};
    get("depth", of.depth), get("classes", of.classes), get("image", of.image), get("colours", of.colours);
    get("channels", of.channels);
    return resnet(get.changed(of));
}

constexpr struct {
    const char* family;
    model (*make)(const keeping&, sizes);
} makers[] = {{"gpt2", made_gpt2}, {"bert", made_bert},     {"llama", made_llama},      {"t5", made_t5},
              {"vit", made_vit},   {"resnet", made_resnet}, {"executor", made_executed}};

model made_of(const std::string& family, const keeping& how, sizes get, const std::string& where) {
    for (const auto& maker : makers)
        if (family == maker.family) return maker.make(how, get);
    refuse(where + ": family is " + shown(nlohmann::json(family)) +
           " (no such family) give gpt2, bert, llama, t5, vit, resnet or executor");
}

}  // namespace

precision read_precision(fields& of) {
    precision made;
    const auto* value = of.find("precision");
    if (value == nullptr) return made;
    fields inner(*value, of.of() + ": precision");
    made.weight = inner.number("weight", 64, made.weight);
    made.gradient = inner.number("gradient", 64, made.gradient);
    made.optimiser = inner.number("optimiser", 64, made.optimiser);
    made.activation = inner.number("activation", 64, made.activation);
    inner.finish();
    for (const auto& [key, bytes] : {std::pair{"weight", made.weight}, std::pair{"activation", made.activation}})
        if (bytes == 0) inner.wrong(key, 0, "a number takes room", "bytes above 0");
    return made;
}

model read_family(fields& file, const model_changes& asked) {
    const std::string family = file.text("family", 31, "");
    const bool executed = family == "executor";
    keeping how;
    if (family == "llama" || family == "vit") how.dropout = false;
    if (family == "resnet") how.bytes = single_precision;
    if (!executed) {
        if (file.has("precision")) how.bytes = read_precision(file);
        if (family != "resnet") {
            how.dropout = file.flag("dropout", how.dropout);
            how.fused_attention = file.flag("fused_attention", how.fused_attention);
            how.fp8 = file.flag("fp8", how.fp8);
        }
    }
    const auto* given = file.find("sizes");
    if (given == nullptr) return made_of(family, how, sizes(nullptr, asked), file.of());
    fields inner(*given, file.of() + ": sizes");
    model made = made_of(family, how, sizes(&inner, asked), file.of());
    inner.finish();
    return made;
}

}  // namespace chimera::executor::detail
