// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>

#include <executor/io/fields.hpp>
#include <executor/io/json_tree.hpp>
#include <executor/io/profile.hpp>
#include <executor/io/read.hpp>

#include <nlohmann/json.hpp>

namespace chimera::executor {

namespace {

using detail::fields;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr double seconds_most = 1e6, bytes_most = 1e15;
constexpr std::size_t list_most = 1024;

constexpr std::pair<const char*, double reuse_bytes::*> axes[] = {{"forward", &reuse_bytes::forward},
                                                                  {"backward", &reuse_bytes::backward},
                                                                  {"input_gradient", &reuse_bytes::input_gradient},
                                                                  {"weight_gradient", &reuse_bytes::weight_gradient}};

by_kind read_kinds(const json& value, const std::string& where, double most) {
    fields read(value, where);
    const by_kind out{read.number("embedding", most), read.number("block", most), read.number("head", most),
                      read.number("boundary", most)};
    read.finish();
    return out;
}

by_kind read_kinds(fields& from, const char* key, double most) {
    return read_kinds(from.need(key, "an object of embedding, block, head and boundary"), from.of() + ": " + key, most);
}

/// Passes take time: without any, no bubble could be told from work.
by_kind read_passes(fields& from, const char* key) {
    const by_kind out = read_kinds(from, key, seconds_most);
    if (out.block <= 0) refuse(from.of() + ": " + key + " has a block of 0 s (a pass takes time) measure it again");
    return out;
}

template <class T, class Read>
std::vector<T> read_list(fields& from, const char* key, Read read) {
    const json& list = from.need(key, "a list");
    const std::string where = from.of() + ": " + key;
    if (!list.is_array() || list.empty() || list.size() > list_most)
        refuse(where + " is " + detail::shown(list) + " (a list of 1 to 1024 is needed) measure it again");
    std::vector<T> out;
    for (const json& each : list) out.push_back(read(each, where + "[" + std::to_string(out.size()) + "]"));
    return out;
}

reuse_bytes read_reuse(const json& value, const std::string& where) {
    fields read(value, where);
    reuse_bytes out;
    for (const auto& [name, axis] : axes) {
        out.*axis = read.number(name, bytes_most);
        if (out.*axis <= 0) refuse(where + ": " + name + " is 0 (a pass keeps activations) measure it again");
    }
    read.finish();
    return out;
}

profiled_passes read_depth(const json& value, const std::string& where) {
    fields read(value, where);
    profiled_passes out;
    out.reuse =
        read_reuse(read.need("reuse_bytes", "an object of forward, backward, input_gradient and weight_gradient"),
                   where + ": reuse_bytes");
    out.forward = read_passes(read, "forward");
    out.backward = read_passes(read, "backward");
    out.input_gradient = read_passes(read, "input_gradient");
    out.weight_gradient = read_passes(read, "weight_gradient");
    read.finish();
    return out;
}

profiled_engine read_engine(const json& value, const std::string& where) {
    fields read(value, where);
    profiled_engine out;
    out.workers = static_cast<int>(read.whole("workers", 1, 65535));
    out.start = read.number("start", seconds_most);
    out.hand_over = read.number("hand_over", seconds_most);
    out.transfer = read.number("transfer", seconds_most);
    out.settle = read.number("settle", seconds_most);
    out.around = read.number("around", seconds_most);
    out.slack = read.number("slack", 100);
    if (out.slack <= 0) refuse(where + ": slack is 0 (it is a factor) measure it again");
    if (out.slack < 0.01) read.wrong("slack", out.slack, "out of range", "a number from 0.01 to 100");
    read.finish();
    return out;
}

template <class T, class Key>
void check_ascending(const std::vector<T>& list, const std::string& where, const char* name, Key key) {
    for (std::size_t i = 1; i < list.size(); ++i)
        if (!(key(list[i - 1]) < key(list[i])))
            refuse(where + " does not ascend by " + name + " (entry " + std::to_string(i) + ") sort it");
}

void check_reuse(const std::vector<profiled_passes>& list, const std::string& where) {
    for (std::size_t i = 1; i < list.size(); ++i)
        for (const auto& [name, axis] : axes)
            if (list[i].reuse.*axis < list[i - 1].reuse.*axis)
                refuse(where + " does not ascend by reuse_bytes (" + name + " of entry " + std::to_string(i) +
                       ") sort it");
}

profiled_batch read_batch(const json& value, const std::string& where) {
    fields read(value, where);
    profiled_batch out;
    out.sequences = static_cast<int>(read.whole("sequences", 1, 65536));
    out.activations = read_kinds(read, "activations", bytes_most);
    out.boundary_bytes = read.number("boundary_bytes", bytes_most);
    out.passes = read_list<profiled_passes>(read, "passes", read_depth);
    if (read.has("crowded")) out.crowded = read_list<profiled_passes>(read, "crowded", read_depth);
    out.light_forward = read_passes(read, "light_forward");
    out.recompute = read_passes(read, "recompute");
    out.engine = read_list<profiled_engine>(read, "engine", read_engine);
    read.finish();
    check_reuse(out.passes, where + ": passes");
    check_reuse(out.crowded, where + ": crowded");
    check_ascending(out.engine, where + ": engine", "workers", [](const auto& e) { return e.workers; });
    return out;
}

gpt2_sizes read_model(const json& value) {
    fields read(value, "model");
    gpt2_sizes out;
    out.layers = static_cast<int>(read.whole("layers", 1, 4096));
    out.heads = static_cast<int>(read.whole("heads", 1, 1024));
    out.channels = static_cast<int>(read.whole("channels", 1, 65536));
    out.vocabulary = static_cast<int>(read.whole("vocabulary", 2, 65536));
    out.context = static_cast<int>(read.whole("context", 1, 1 << 20));
    read.finish();
    return out;
}

bool read_bf16(fields& from) {
    const std::string precision = from.text("precision", 16, "fp32");
    if (precision != "fp32" && precision != "bf16")
        refuse("precision is " + detail::shown(precision) + " (no such numbers) fp32 and bf16 are measured");
    return precision == "bf16";
}

json parse(std::string_view text) {
    const auto shallow = [](int depth, json::parse_event_t, json&) {
        if (depth > 7) refuse("the file nests too deep (a profile has seven levels) measure it again");
    };
    try {
        return detail::parse_tree(text, shallow);
    } catch (const json::exception&) {
        refuse("no valid JSON (the file is damaged, cut short or something else) measure it again: chimera profile");
    }
}

ordered_json json_of(const by_kind& each) {
    return {{"embedding", each.embedding}, {"block", each.block}, {"head", each.head}, {"boundary", each.boundary}};
}

ordered_json json_of(const std::vector<profiled_passes>& all) {
    auto out = ordered_json::array();
    for (const profiled_passes& p : all)
        out.push_back({{"reuse_bytes",
                        {{"forward", p.reuse.forward},
                         {"backward", p.reuse.backward},
                         {"input_gradient", p.reuse.input_gradient},
                         {"weight_gradient", p.reuse.weight_gradient}}},
                       {"forward", json_of(p.forward)},
                       {"backward", json_of(p.backward)},
                       {"input_gradient", json_of(p.input_gradient)},
                       {"weight_gradient", json_of(p.weight_gradient)}});
    return out;
}

ordered_json json_of(const profiled_batch& of) {
    ordered_json out{{"sequences", of.sequences},
                     {"activations", json_of(of.activations)},
                     {"boundary_bytes", of.boundary_bytes},
                     {"passes", json_of(of.passes)}};
    if (!of.crowded.empty()) out["crowded"] = json_of(of.crowded);
    out["light_forward"] = json_of(of.light_forward);
    out["recompute"] = json_of(of.recompute);
    out["engine"] = ordered_json::array();
    for (const profiled_engine& e : of.engine)
        out["engine"].push_back({{"workers", e.workers},
                                 {"start", e.start},
                                 {"hand_over", e.hand_over},
                                 {"transfer", e.transfer},
                                 {"settle", e.settle},
                                 {"around", e.around},
                                 {"slack", e.slack}});
    return out;
}

}  // namespace

profile read_profile(std::string_view text) {
    const json file = parse(text);
    fields read(file, "the profile");
    const std::string format = read.text("format", 64, "");
    if (format != "chimera.profile")
        refuse("format is \"" + format + "\" (a profile is needed) give chimera.profile, which chimera profile writes");
    read.whole("version", 1, 1);
    profile out;
    out.model = read_model(read.need("model", "the sizes of the layers"));
    out.tokens = static_cast<int>(read.whole("tokens", 1, 1 << 20));
    out.cores = static_cast<int>(read.whole("cores", 1, 65536));
    out.threads = static_cast<int>(read.whole("threads", 1, 256, 1));
    out.bf16 = read_bf16(read);
    out.parameters = read_kinds(read, "parameters", bytes_most);
    out.update = read.number("update", seconds_most);
    out.update_versions = read.number("update_versions", seconds_most);
    out.norm = read.number("norm", seconds_most);
    out.reduce_latency = read.number("reduce_latency", seconds_most);
    out.reduce_byte = read.number("reduce_byte", seconds_most);
    out.other_load = read.number("other_load", 1);
    out.spread = read.number("spread", seconds_most);
    out.batches = read_list<profiled_batch>(read, "batches", read_batch);
    read.finish();
    check_ascending(out.batches, "batches", "sequences", [](const auto& b) { return b.sequences; });
    return out;
}

profile load_profile(const std::string& path) {
    const std::string text = read_file(path);
    try {
        return read_profile(text);
    } catch (const chimera_error& e) {
        throw chimera_error(path + ": " + e.what());
    }
}

std::string costs_text(const costs& of) {
    const auto list = [](const per_stage& each) {
        return each.values.size() == 1 ? ordered_json(each.values[0]) : ordered_json(each.values);
    };
    ordered_json out{{"format", "chimera.costs"},
                     {"version", 1},
                     {"forward", list(of.forward)},
                     {"backward", list(of.backward)},
                     {"input_gradient", list(of.input_gradient)},
                     {"weight_gradient", list(of.weight_gradient)},
                     {"recompute", list(of.recompute)},
                     {"transfer", list(of.transfer)},
                     {"reduce", list(of.reduce.seconds)},
                     {"update", list(of.update)}};
    return out.dump(1) + "\n";
}

std::string profile_text(const profile& of) {
    const gpt2_sizes& m = of.model;
    ordered_json out{{"format", "chimera.profile"},
                     {"version", 1},
                     {"model",
                      {{"layers", m.layers},
                       {"heads", m.heads},
                       {"channels", m.channels},
                       {"context", m.context},
                       {"vocabulary", m.vocabulary}}},
                     {"tokens", of.tokens},
                     {"cores", of.cores},
                     {"threads", of.threads},
                     {"precision", of.bf16 ? "bf16" : "fp32"},
                     {"parameters", json_of(of.parameters)},
                     {"update", of.update},
                     {"update_versions", of.update_versions},
                     {"norm", of.norm},
                     {"reduce_latency", of.reduce_latency},
                     {"reduce_byte", of.reduce_byte},
                     {"other_load", of.other_load},
                     {"spread", of.spread},
                     {"batches", ordered_json::array()}};
    for (const profiled_batch& b : of.batches) out["batches"].push_back(json_of(b));
    return out.dump(1) + "\n";
}

}  // namespace chimera::executor
