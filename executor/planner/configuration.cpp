// SPDX-License-Identifier: Apache-2.0
#include <executor/io/fields.hpp>
#include <executor/planner/choice_names.hpp>
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
    if (s.pipelines > 0) out["pipelines"] = s.pipelines;
    if (s.scale != scale::direct) out["scale"] = s.scale == scale::doubling ? "doubling" : "halving";
    if (s.split) out["split"] = true;
    if (s.chunks > 0) out["chunks"] = s.chunks;
    if (s.group > 0) out["group"] = s.group;
    if (s.waves > 0) out["waves"] = s.waves;
    if (s.update_every > 0) out["update_every"] = s.update_every;
    if (of.order == layout::stages_together) out["stages_together"] = true;
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
    const auto whole = [&](const char* key, std::int64_t least, std::int64_t missing) {
        return static_cast<int>(from.whole(key, least, most, missing));
    };
    s.which = one_named<family>(from.need("family", "its name"), called + ": family");
    s.stages = whole("stages", 1, 1);
    s.micro_batches = whole("micro_batches", 1, 1);
    s.pipelines = whole("pipelines", 0, 0);
    const std::string grows = from.text("scale", 16, "direct");
    s.scale = grows == "doubling" ? scale::doubling : grows == "halving" ? scale::halving : scale::direct;
    s.split = from.flag("split", false);
    s.chunks = whole("chunks", 0, 0);
    s.group = whole("group", 0, 0);
    s.waves = whole("waves", 0, 0);
    s.update_every = whole("update_every", 0, 0);
    out.width = whole("width", 1, 1);
    out.tensor = whole("tensor", 1, 1);
    out.micro_batch = whole("micro_batch", 1, 1);
    out.zero = static_cast<int>(from.whole("zero", 0, 3, 0));
    out.order = from.flag("stages_together", false) ? layout::stages_together : layout::copies_together;
    if (const auto* mode = from.find("sync")) out.synchronisation = one_named<sync>(*mode, called + ": sync");
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
