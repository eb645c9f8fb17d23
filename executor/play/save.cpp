// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/format.hpp>
#include <chimera/render/html.hpp>
#include <chimera/render/json.hpp>
#include <chimera/render/svg.hpp>

#include <executor/io/write.hpp>
#include <executor/play/save.hpp>

#include <filesystem>

namespace chimera::executor::play {

namespace {

using format::put;

constexpr const char* endings[] = {".svg", ".html", ".json", ".costs.json"};

/// The first name in the folder under which nothing is there.
std::string free_name(const std::string& folder, const std::string& name) {
    for (int i = 1;; ++i) {
        std::string out = (std::filesystem::path(folder) / name).string();
        if (i > 1) put(out, '-', i);
        bool taken = false;
        for (const char* ending : endings)
            taken = taken || std::filesystem::exists(std::filesystem::symlink_status(out + ending));
        if (!taken) return out;
    }
}

}  // namespace

std::string command(const settings& of, const std::string& subcommand) {
    const family_options o = options_of(of);
    std::string out = "chimera " + subcommand + " " + std::string(name(o.which));
    const auto add = [&](const char* option, std::int64_t value, std::int64_t otherwise) {
        if (value != otherwise) put(out, " --", option, ' ', value);
    };
    if (o.which != family::data_parallel) add("stages", o.stages, 0);
    add("micro-batches", o.micro_batches, 0);
    const auto state = [&](const family_option& option, const auto& value) {
        using type = std::remove_cvref_t<decltype(value)>;
        if (value == type{}) return;
        put(out, ' ', flag_of(option));
        if constexpr (std::is_same_v<type, int>) put(out, ' ', value);
        if constexpr (std::is_enum_v<type>) put(out, ' ', name(value));
    };
    each_option(state, o);
    add("width", o.width, 1);
    if (o.recompute != recompute_choice{}) put(out, " --recompute ", text_of(o.recompute));
    if (of.memory) put(out, " --memory ", *of.memory);
    return out;
}

std::string costs_json(const settings& of) {
    const double stages = static_cast<double>(of.of.stages) / static_cast<double>(options_of(of).stages);
    const costs c = costs_of(of, stages);
    std::string out = R"({"format":"chimera.costs","version":1)";
    const auto add = [&](const char* key, const per_stage& cost) { put(out, ", \"", key, "\":", cost[0]); };
    add("forward", c.forward);
    add("backward", c.backward);
    add("input_gradient", c.input_gradient);
    add("weight_gradient", c.weight_gradient);
    add("recompute", c.recompute);
    add("transfer", c.transfer);
    add("reduce", c.reduce.seconds);
    add("update", c.update);
    return out + "}";
}

std::string file_name(const settings& of) {
    std::string out(name(of.of.which));
    put(out, '-', of.of.stages, 'x', of.of.micro_batches);
    return out;
}

std::string save(const settings& of, const outcome& from, const std::string& folder) {
    if (!from.made) refuse("there is nothing to save (" + from.refused + ") change the sizes");
    const std::string name = free_name(folder, file_name(of));
    const timeline& played = from.made->played;
    write_file(name + ".svg", svg(played, {.unit = time_unit::ticks}));
    write_file(name + ".html", html(played, {.unit = time_unit::ticks}));
    write_file(name + ".json", json(make_schedule(options_of(of))));
    write_file(name + ".costs.json", costs_json(of) + "\n");
    return "saved " + name + ".svg, .html, .json and .costs.json";
}

}  // namespace chimera::executor::play
