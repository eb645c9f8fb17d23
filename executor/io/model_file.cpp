// SPDX-License-Identifier: Apache-2.0
#include <executor/io/json_tree.hpp>
#include <executor/io/model_chain.hpp>
#include <executor/io/model_family.hpp>
#include <executor/io/model_file.hpp>
#include <executor/io/read.hpp>
#include <executor/model/known_models.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace chimera::executor {

namespace {

using detail::fields;
using detail::shown;
using nlohmann::json;

constexpr std::size_t text_most = std::size_t{64} << 20;
constexpr int deepest = 6;
constexpr std::int64_t whole_most = 1'000'000'000'000'000'000;
constexpr double number_most = 1e18;
constexpr std::int64_t layers_most = 1 << 20;

constexpr const char* too_deep = "the file nests too deep (a model has few levels) correct it";

/// Returns true if a value has others within it on more than `levels` levels.
bool nests_deeper(const json& value, int levels) {
    if (levels < 0) return true;
    if (!value.is_structured()) return false;
    return std::ranges::any_of(value, [&](const json& inner) { return nests_deeper(inner, levels - 1); });
}

/// Follows the parser: refuses what nests too deep and keys given twice, and knows where in the file it is.
class follower {
public:
    void operator()(int depth, json::parse_event_t event, json& parsed) {
        if (depth > deepest) refuse(too_deep);
        if (event == json::parse_event_t::object_start) {
            keys_.emplace_back();
            if (depth == 2) ++layer_, name_.clear();
        }
        if (event == json::parse_event_t::object_end) keys_.pop_back();
        if (event == json::parse_event_t::value && depth == 3 && key_ == "name" && parsed.is_string())
            name_ = " " + shown(parsed);
        if (event == json::parse_event_t::key) {
            key_ = parsed.get<std::string>();
            if (!keys_.back().insert(key_).second)
                refuse(place() + "key " + shown(parsed) + " is given twice (only one can hold) keep one of them");
        }
    }
    std::string place() const {
        return keys_.size() < 2 || layer_ < 0 ? "the model: " : "layer " + std::to_string(layer_) + name_ + ": ";
    }
    std::string key() const { return shown(json(key_)); }

private:
    std::vector<std::set<std::string>> keys_;  // of each object that is open
    std::string key_, name_;
    int layer_ = -1;
};

json parse(std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        refuse("the file is empty (a model is needed) write a chimera.model object");
    if (text.size() > text_most) refuse("the file is larger than 64 MiB (layers can be repeated) use \"count\"");
    follower at;
    try {
        return detail::parse_tree(text, std::ref(at));
    } catch (const json::parse_error& e) {
        refuse("no valid JSON at byte " + std::to_string(e.byte) +
               " (the file is damaged, cut short or something else) write it again");
    } catch (const json::out_of_range&) {
        refuse(at.place() + at.key() + " has a number that is too large (for a double) give at most 1e18");
    }
}

/// One entry of "layers": a layer and how often it is repeated.
struct entry {
    layer what;
    std::int64_t count = 1;
    detail::link_of_chain link;
    std::string tied_to;
    bool has_output = false, has_tied = false;
};

layer_kind read_kind(fields& of) {
    const std::string kind = of.text("kind", 31, "block");
    constexpr std::pair<const char*, layer_kind> known[] = {{"embedding", layer_kind::embedding},
                                                            {"block", layer_kind::block},
                                                            {"head", layer_kind::head},
                                                            {"convolution", layer_kind::convolution},
                                                            {"other", layer_kind::other}};
    for (const auto& [name, value] : known)
        if (kind == name) return value;
    of.wrong("kind", kind, "no such kind", "embedding, block, head, convolution or other");
}

void read_backward(fields& of, layer& into) {
    if (of.has("backward")) {
        if (of.has("input_gradient") || of.has("weight_gradient"))
            of.wrong("backward", *of.find("backward"), "its halves are given too", "one or the other");
        into.input_gradient = into.weight_gradient = of.number("backward", number_most) / 2;
        return;
    }
    if (!of.has("input_gradient") && !of.has("weight_gradient"))
        of.need("backward", "FLOPs, or input_gradient and weight_gradient");
    into.input_gradient = of.number("input_gradient", number_most);
    into.weight_gradient = of.number("weight_gradient", number_most);
}

void read_bytes(fields& of, entry& into) {
    layer& l = into.what;
    l.activations = of.number("activations", number_most);
    l.selective = of.number("selective", number_most, l.activations);
    l.replicated = of.number("replicated", number_most, 0);
    l.workspace = of.number("workspace", number_most, 0);
    l.exchanged = of.number("exchanged", number_most, 0);
    into.has_output = of.has("output");
    l.output = of.number("output", number_most, 0);
    if (l.selective > l.activations)
        of.wrong("selective", *of.find("selective"), "more than activations", "at most as many bytes");
    if (l.replicated > l.selective)
        of.wrong("replicated", *of.find("replicated"), "more than is kept", "at most as many bytes");
}

void read_after(fields& of, entry& into) {
    const auto* after = of.find("after");
    if (after == nullptr) return;
    into.link.said = true;
    const auto add = [&](const json& name) {
        if (!name.is_string()) of.wrong("after", name, "no name", "a layer's name");
        into.link.after.push_back(name.get<std::string>());
        for (const char c : into.link.after.back())
            if (c < 32 || c > 126) of.wrong("after", name, "characters other than printable ones", "a layer's name");
    };
    if (!after->is_array()) return add(*after);
    for (const json& name : *after) add(name);
}

entry read_layer(const json& value, std::size_t index) {
    std::string where = "layer " + std::to_string(index);
    if (value.is_object() && value.contains("name") && value["name"].is_string()) where += " " + shown(value["name"]);
    fields of(value, where);
    entry made;
    made.link.name = of.text("name", 31, "layer." + std::to_string(index));
    made.what.name = label(made.link.name);
    made.count = of.whole("count", 1, layers_most, 1);
    made.what.kind = read_kind(of);
    made.what.parameters = of.whole("parameters", 0, whole_most);
    made.what.forward = of.number("forward", number_most);
    made.what.selective_forward = of.number("selective_forward", number_most, 0);
    read_backward(of, made.what);
    read_bytes(of, made);
    read_after(of, made);
    made.tied_to = of.text("tied_to", 31, "");
    made.what.heads = of.whole("heads", 0, 1 << 20, 0);
    made.what.shared_heads = of.whole("shared_heads", 0, 1 << 20, made.what.heads);
    made.has_tied = of.has("tied_parameters");
    made.what.tied_parameters = of.whole("tied_parameters", 0, whole_most, 0);
    if (made.has_tied && made.tied_to.empty())
        of.wrong("tied_parameters", *of.find("tied_parameters"), "tied to nothing", "tied_to as well");
    of.finish();
    return made;
}

std::vector<entry> read_entries(fields& file) {
    const json& list = file.need("layers", "a list of layers, or a family and its sizes");
    if (!list.is_array()) file.wrong("layers", list, "not a list", "[{\"name\": …}, …]");
    if (list.empty()) file.wrong("layers", list, "empty", "at least one layer");
    if (list.size() > static_cast<std::size_t>(layers_most))
        file.wrong("layers", list, "more than 1048576 layers", "fewer");
    std::vector<entry> made;
    std::vector<detail::link_of_chain> links;
    for (const json& value : list) {
        made.push_back(read_layer(value, made.size()));
        links.push_back(made.back().link);
    }
    std::vector<entry> ordered;
    for (const std::size_t i : detail::order_of_chain(links)) ordered.push_back(std::move(made[i]));
    return ordered;
}

/// Returns the first layer of the entry that `of` shares weights with. `starts`: each entry's first layer.
std::int32_t find_tied(const std::vector<entry>& all, const std::vector<std::int64_t>& starts, entry& of) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].link.name != of.tied_to) continue;
        if (&all[i] == &of)
            refuse("layer " + of.link.name + ": tied_to names itself (it shares weights with another) drop it");
        if (!of.has_tied) of.what.tied_parameters = all[i].what.parameters;
        if (of.what.tied_parameters > all[i].what.parameters)
            refuse("layer " + of.link.name + ": tied_parameters is " + std::to_string(of.what.tied_parameters) +
                   " (more than layer " + of.tied_to + " has) give at most " + std::to_string(all[i].what.parameters));
        return static_cast<std::int32_t>(starts[i]);
    }
    refuse("layer " + of.link.name + ": tied_to names no layer (" + of.tied_to + ") give a layer's name");
}

void expand(std::vector<entry> all, model& into) {
    std::vector<std::int64_t> starts;
    std::int64_t count = 0;
    for (const entry& e : all) {
        starts.push_back(count);
        if ((count += e.count) > layers_most)
            refuse("layer " + e.link.name + ": count makes more than 1048576 layers (of all together) give less");
        const bool last = &e == &all.back();
        if (!e.has_output && !(last && e.count == 1))
            refuse("layer " + e.link.name + ": key \"output\" is missing (the next layer gets it) give bytes");
    }
    for (entry& e : all) {
        if (!e.tied_to.empty()) e.what.tied_to = find_tied(all, starts, e);
        for (std::int64_t i = 0; i < e.count; ++i) {
            into.layers.push_back(e.what);
            if (e.count > 1) into.layers.back().name = label(e.link.name.substr(0, 23) + "." + std::to_string(i));
        }
    }
}

/// Checks the numbers that the planner divides by, and those that must not overflow.
void check_whole(const model& of) {
    double work = 0, parameters = 0;
    for (const layer& l : of.layers) work += l.forward, parameters += static_cast<double>(l.parameters);
    if (parameters == 0) refuse("the model has no parameters (there is nothing to train) give each layer's");
    if (parameters > number_most) refuse("the model has more than 1e18 parameters (of all layers) correct them");
    if (work == 0) refuse("the model computes nothing (no layer has FLOPs in forward) give each layer's");
}

void check_format(fields& file) {
    const json& format = file.need("format", "\"chimera.model\"");
    if (format != "chimera.model") file.wrong("format", format, "a model is needed", "chimera.model");
    const json& version = file.need("version", "1");
    if (!version.is_number_integer() || version != 1)
        file.wrong("version", version, "this program reads version 1", "1");
}

}  // namespace

model read_model(std::string_view text) { return model_from_json(parse(text)); }

model model_from_json(const json& value, const model_changes& asked) {
    if (nests_deeper(value, deepest)) refuse(too_deep);
    fields file(value, "the model");
    check_format(file);
    const std::string name = file.text("name", 31, "");
    model made;
    if (file.has("family")) {
        if (file.has("layers")) file.wrong("family", value["family"], "layers are given too", "one or the other");
        made = detail::read_family(file, asked);
    } else {
        if (asked.fp8)
            refuse("the model lists its layers (which products are linear is not known) name a family for 8 bits");
        if (asked.any())
            refuse("the model lists its layers (tokens and vocabulary are in their numbers) change those instead");
        made.name = "model";
        made.tokens = file.whole("tokens", 0, std::int64_t{1} << 40, 0);
        made.bytes = detail::read_precision(file);
        expand(read_entries(file), made);
    }
    if (!name.empty()) made.name = label(name);
    file.finish();
    check_whole(made);
    return made;
}

model load_model(const std::string& name_or_file, const model_changes& asked) {
    if (auto known = find_known_model(name_or_file, asked)) return *known;
    struct stat facts {};
    const bool path = name_or_file.find('/') != std::string::npos || name_or_file.ends_with(".json");
    if (!path && ::stat(name_or_file.c_str(), &facts) != 0)
        refuse("unknown model " + shown(json(name_or_file)) + " (neither a name nor a file) use " +
               known_model_names() + " or a chimera.model file");
    const std::string text = read_file(name_or_file);
    try {
        return model_from_json(parse(text), asked);
    } catch (const chimera_error& e) {
        throw chimera_error(name_or_file + ": " + e.what());
    }
}

}  // namespace chimera::executor
