// SPDX-License-Identifier: Apache-2.0
#include <executor/io/choice_names.hpp>
#include <executor/io/fields.hpp>
#include <executor/planner/task.hpp>

namespace chimera::executor {

using nlohmann::json;

json configuration_json(const configuration& of) {
    const family_spec& s = of.schedule;
    json out{{"family", name(s.which)},
             {"stages", s.stages},
             {"micro_batches", s.micro_batches},
             {"width", of.width},
             {"tensor", of.tensor},
             {"micro_batch", of.micro_batch},
             {"sync", name(of.synchronisation)},
             {"recompute", name(of.recompute)},
             {"zero", of.zero}};
    const auto write = [&](const family_option& option, const auto& value) {
        using type = std::remove_cvref_t<decltype(value)>;
        if (value == type{}) return;
        if constexpr (std::is_enum_v<type>)
            out[std::string(option.key)] = name(value);
        else
            out[std::string(option.key)] = value;
    };
    each_option(write, s);
    if (of.order == layout::stages_together) out["stages_together"] = true;
    if (of.sequence_parallel) out["sequence_parallel"] = true;
    if (of.recompute == recompute_mode::mixed)
        for (const recompute_mode mode : of.stage_recompute) out["stage_recompute"].push_back(name(mode));
    if (!of.cuts.empty()) out["cuts"] = of.cuts;
    return out;
}

configuration read_configuration(const json& value, const std::string& called) {
    constexpr std::int64_t most = 1 << 24;
    detail::fields from(value, called);
    configuration out;
    family_spec& s = out.schedule;
    s.which = one_named<family>(from.need("family", "its name"), called + ": family");
    out.continuous = asynchronous(s.which);
    from.read("stages", s.stages, 1, most);
    from.read("micro_batches", s.micro_batches, 1, most);
    const auto read = [&](const family_option& option, auto& to) {
        using type = std::remove_cvref_t<decltype(to)>;
        if constexpr (std::is_same_v<type, int>) from.read(option.key.data(), to, 0, most);
        if constexpr (std::is_same_v<type, bool>) from.read(option.key.data(), to);
        if constexpr (std::is_enum_v<type>) {
            const std::string label = from.text(option.key.data(), 16, std::string(option.labels.front()));
            for (std::size_t i = 0; i < option.labels.size(); ++i)
                if (label == option.labels[i]) to = static_cast<type>(i);
        }
    };
    each_option(read, s);
    from.read("width", out.width, 1, most);
    from.read("tensor", out.tensor, 1, most);
    from.read("micro_batch", out.micro_batch, 1, most);
    from.read("zero", out.zero, 0, 3);
    from.read("sequence_parallel", out.sequence_parallel);
    out.order = from.flag("stages_together", false) ? layout::stages_together : layout::copies_together;
    if (const auto* mode = from.find("sync"))
        out.synchronisation = one_named<reduction_start>(*mode, called + ": sync");
    if (const auto* mode = from.find("recompute"))
        out.recompute = one_named<recompute_mode>(*mode, called + ": recompute");
    if (const auto* list = from.find("stage_recompute"))
        for (const json& mode : *list) out.stage_recompute.push_back(one_named<recompute_mode>(mode, called));
    if (out.recompute == recompute_mode::mixed && static_cast<int>(out.stage_recompute.size()) != s.stages)
        from.wrong("recompute", json("mixed"), "stage_recompute does not say it of every stage", "one mode a stage");
    from.find("cuts");  // found anew: the model may be another
    from.finish();
    return out;
}

}  // namespace chimera::executor
