// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/files.hpp>
#include <executor/job/job.hpp>

#include <limits>

namespace chimera::executor {

namespace {

using detail::fields;
using nlohmann::json;

/// A value in a message, lists in full.
std::string text_of(const json& value) { return one_line(value.dump(-1, ' ', true, json::error_handler_t::replace)); }

/// A choice by its name. `kind`: the values are of what kind.
template <class Choice>
void read_choice(fields& from, const char* key, const char* kind, Choice& into) {
    std::string text(name(into));
    from.read(key, text);
    const auto found = find_choice<Choice>(text);
    if (!found)
        refuse(std::string("unknown ") + key + " " + one_line(text) + " (no such " + kind + ") use " +
               names_of<Choice>(" or "));
    into = *found;
}

void read_model(const json& value, const std::string& where, gpt2_sizes& model) {
    if (value.is_string()) {
        model = named_model(value.get<std::string>());
        return;
    }
    fields reader(value, where + ": model");
    reader.read("layers", model.layers, 1, 4096);
    reader.read("heads", model.heads, 1, 1024);
    reader.read("channels", model.channels, 1, 65536);
    reader.read("context", model.context, 1, 1 << 20);
    reader.read("vocabulary", model.vocabulary, 2, 65536);
    reader.finish();
}

void read_data(const json& value, const std::string& where, std::vector<std::filesystem::path>& data) {
    const auto add = [&](const json& path) {
        if (!path.is_string() || path.get<std::string>().empty() ||
            path.get<std::string>().find('\0') != std::string::npos)
            refuse(where + ": data has " + text_of(path) + " in it (not a path) give texts such as \"docs\"");
        data.emplace_back(path.get<std::string>());
    };
    data.clear();
    if (!value.is_array()) return add(value);
    for (const auto& path : value) add(path);
}

recompute_choice read_recompute(const json& value, const std::string& where, int stages) {
    if (value.is_string()) return recompute_named(value.get_ref<const std::string&>(), stages);
    const auto bad = [&] {
        refuse(where + ": schedule: recompute is " + text_of(value) +
               " (it does not fit) give \"none\", \"full\" or a list of stages such as [0, 2]");
    };
    if (!value.is_array()) bad();
    std::string list;
    for (const auto& stage : value) {
        if (!stage.is_number_unsigned()) bad();
        list += (list.empty() ? "" : ",") + std::to_string(stage.get<std::uint64_t>());
    }
    return list.empty() ? recompute_choice{} : recompute_named(list, stages);
}

/// A list of numbers, or a text such as 2,1,1,0.
void read_blocks(const json& value, const std::string& where, std::vector<int>& blocks) {
    const auto bad = [&] {
        refuse(where + ": schedule: blocks is " + text_of(value) +
               " (it does not fit) give the number of blocks of each stage, such as [2, 1, 1, 0]");
    };
    json list = value;
    if (value.is_string()) list = json::parse("[" + value.get<std::string>() + "]", nullptr, false);
    if (!list.is_array() || list.empty() || list.size() > 65535) bad();
    blocks.clear();
    for (const auto& each : list) {
        if (!each.is_number_unsigned() || each.get<std::uint64_t>() > 4096) bad();
        blocks.push_back(each.get<int>());
    }
}

/// An order from a file says itself what families are told.
void read_order(const json& value, const std::string& where, const std::string& path, job& made) {
    for (const auto& entry : value.items()) {
        const std::string& key = entry.key();
        if (key == "file" || key == "width" || key == "sync" || key == "recompute" || key == "blocks") continue;
        refuse(where + ": schedule: " + one_line(key) +
               " does not apply (the order comes from a file) leave one of them out");
    }
    made.file = std::make_shared<const file_order>(path, order_of(path));
    const shape& head = made.file->order.head;
    if (head.micro_batch_parts > 2)
        refuse(where + ": schedule: the order cuts a micro-batch into " + std::to_string(head.micro_batch_parts) +
               " (training knows halves) use another");
    made.schedule.stages = head.stages;
    made.schedule.micro_batches = head.micro_batches;
    made.schedule.pipelines = head.pipelines;
    made.schedule.scale = head.micro_batch_parts == 2 ? scale::halving : scale::direct;
}

void read_options(fields& from, job& made) {
    family_options& schedule = made.schedule;
    const auto read = [&](const family_option& option, auto& to) {
        using type = std::remove_cvref_t<decltype(to)>;
        if constexpr (std::is_same_v<type, int>) from.read(option.key.data(), to, 1, option.most);
        if constexpr (std::is_same_v<type, bool>) from.read(option.key.data(), to);
        if constexpr (std::is_enum_v<type>) {
            std::string label;
            from.read(option.key.data(), label);
            if (label.empty()) return;
            check_option(schedule.which, option);
            to = static_cast<type>(value_of_label(option, label));
            made.names_scale = true;
        }
    };
    each_option(read, schedule);
}

void read_schedule(const json& value, const std::string& where, job& made) {
    fields from(value, where + ": schedule");
    family_options& schedule = made.schedule;
    std::string family(name(schedule.which)), file;
    from.read("file", file);
    from.read("family", family);
    schedule.which = family_named(family);
    from.read("stages", schedule.stages, 1, 65535);
    from.read("micro_batches", schedule.micro_batches, 1, 1 << 20);
    read_options(from, made);
    from.read("width", schedule.width, 1, 65535);
    read_choice(from, "sync", "mode", made.sync);
    if (const auto* list = from.find("blocks")) read_blocks(*list, where, made.blocks);
    const auto* again = from.find("recompute");
    from.finish();
    if (!file.empty()) read_order(value, where, file, made);
    if (again) schedule.recompute = read_recompute(*again, where, schedule.stages);
}

void read_optimiser(const json& value, const std::string& where, optimiser_settings& optimiser) {
    fields reader(value, where + ": optimiser");
    reader.read("learning_rate", optimiser.learning_rate, 1e-12, 100);
    reader.read("min_learning_rate", optimiser.min_learning_rate, 0, 100);
    reader.read("warmup", optimiser.warmup, 0, 1'000'000'000);
    reader.read("steps", optimiser.steps, 1, 1'000'000'000);
    reader.read("seconds", optimiser.seconds, 0.1, 1e8);
    reader.read("weight_decay", optimiser.weight_decay, 0, 10);
    reader.read("clip", optimiser.clip, 0, 1e6);
    if (const auto* betas = reader.find("betas")) {
        if (!betas->is_array() || betas->size() != 2)
            refuse(where + ": optimiser: betas is " + text_of(*betas) + " (not two numbers) give [0.9, 0.95]");
        const json pair{{"beta1", (*betas)[0]}, {"beta2", (*betas)[1]}};
        fields inner(pair, where + ": optimiser: betas");
        inner.read("beta1", optimiser.beta1, 0, 0.999999);
        inner.read("beta2", optimiser.beta2, 0, 0.9999999);
    }
    reader.finish();
}

}  // namespace

gpt2_sizes named_model(std::string_view name) {
    if (const auto known = find_trained_sizes(name)) return *known;
    refuse("unknown model " + one_line(name) +
           " (no such name) use tiny, bytes, gpt2 or give layers, heads, channels, context, vocabulary");
}

job read_job(const json& value, const std::string& name) {
    const std::string where = "job " + name;
    fields reader(value, where);
    std::string format = "chimera.job";
    int version = 1;
    reader.read("format", format);
    if (format != "chimera.job") refuse(where + " is no job (its format is " + one_line(format) + ") give chimera.job");
    reader.read("version", version, 1, 1);
    job made;
    if (const auto* model = reader.find("model")) read_model(*model, where, made.model);
    if (const auto* data = reader.find("data")) read_data(*data, where, made.data);
    if (const auto* schedule = reader.find("schedule")) read_schedule(*schedule, where, made);
    if (const auto* batch = reader.find("batch")) {
        fields inner(*batch, where + ": batch");
        inner.read("sequences", made.batch.sequences, 1, 65536);
        inner.read("tokens", made.batch.tokens, 1, 1 << 20);
        inner.finish();
    }
    if (const auto* optimiser = reader.find("optimiser")) read_optimiser(*optimiser, where, made.optimiser);
    reader.find("plan");  // how chimera plan came to the rest
    std::string output = made.output.string();
    reader.read("validation_fraction", made.validation_fraction, 1e-6, 0.5);
    if (reader.has("validation_windows")) made.validation_windows = reader.whole("validation_windows", 0, 1 << 30);
    reader.read("seed", made.seed);
    reader.read("output", output);
    reader.read("checkpoint_interval", made.checkpoint_interval, 0, 1'000'000'000);
    reader.read("watchdog", made.watchdog, 0.1, 1e6);
    reader.read("cores", made.cores, 0, 4096);
    reader.read("threads", made.threads, 1, 256);
    read_choice(reader, "device", "kind", made.device);
    read_choice(reader, "precision", "numbers", made.precision);
    reader.read("deterministic", made.deterministic);
    reader.read("graph", made.graph);
    reader.finish();
    made.output = output;
    return made;
}

job parse_job(std::string_view text, const std::string& name) {
    return read_job(parse_json(text, "job " + name), name);
}

job read_job(const std::filesystem::path& path) { return parse_job(read_file(path, 1 << 20), shown(path)); }

}  // namespace chimera::executor
