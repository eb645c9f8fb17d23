// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/render/json.hpp>
#include <executor/io/checksum.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/resources.hpp>
#include <executor/job/job.hpp>
#include <executor/layers/stage_layers.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

/// Weights, gradients and two moments of every copy, in bytes; as a floating number, which cannot overflow.
double memory_need(const job& wanted) {
    const auto& m = wanted.model;
    const double c = m.channels;
    const double weights = m.layers * (12 * c * c + 13 * c) + (2.0 * m.vocabulary + m.context + 2) * c;
    const double copies = static_cast<double>(wanted.schedule.width) * std::max(1, wanted.schedule.pipelines);
    return 16 * weights * copies;
}

void check_sizes(const job& wanted) {
    const auto& m = wanted.model;
    const auto text = [](auto number) { return std::to_string(number); };
    if (m.channels % m.heads != 0)
        refuse("the model's channels are " + text(m.channels) + " (not a multiple of its " + text(m.heads) +
               " heads) use " + text(m.channels / m.heads * m.heads + m.heads));
    if (wanted.tokens() > m.context)
        refuse("a sequence has " + text(wanted.tokens()) + " tokens (the model's context is " + text(m.context) +
               ") use fewer tokens or a longer context");
    if (!wanted.blocks.empty()) {
        stage_layers(m, wanted.schedule.stages, wanted.blocks);  // refuses what does not fit
    } else if (wanted.schedule.stages > m.layers)
        refuse("the schedule has " + text(wanted.schedule.stages) + " stages (the model has " + text(m.layers) +
               " layers) use at most one stage per layer");
    if (wanted.schedule.scale == scale::halving && wanted.batch.sequences % 2 != 0)
        refuse("a micro-batch has " + text(wanted.batch.sequences) +
               " sequences (backward halving cuts it in two) use an even number");
    const double tokens = static_cast<double>(wanted.schedule.width) * wanted.schedule.micro_batches *
                          wanted.batch.sequences * wanted.tokens();
    if (tokens > 1 << 25)
        refuse("an iteration has " + text(static_cast<long long>(tokens)) +
               " tokens (at most 33554432) use smaller micro-batches or fewer");
    check_room(memory_need(wanted), "the model", "use fewer layers, channels or pipelines");
}

nlohmann::ordered_json schedule_json(const job& from) {
    const family_options& s = from.schedule;
    nlohmann::ordered_json made;
    if (from.file) {
        made["file"] = from.file->path;
    } else {
        made = {{"family", name(s.which)}, {"stages", s.stages}, {"micro_batches", s.micro_batches}};
        const auto write = [&](const family_option& option, const auto& value) {
            using type = std::remove_cvref_t<decltype(value)>;
            if constexpr (std::is_enum_v<type>) {
                if (from.shows_scale()) made[std::string(option.key)] = name(value);
            } else if (value != type{}) {
                made[std::string(option.key)] = value;
            }
        };
        each_option(write, s);
    }
    made["width"] = s.width;
    made["sync"] = name(from.sync);
    made["recompute"] = text_of(s.recompute);
    if (!from.blocks.empty()) made["blocks"] = from.blocks;
    return made;
}

nlohmann::ordered_json optimiser_json(const optimiser_settings& o) {
    nlohmann::ordered_json made{{"learning_rate", o.learning_rate}};
    if (o.min_learning_rate >= 0) made["min_learning_rate"] = o.min_learning_rate;
    if (o.warmup >= 0) made["warmup"] = o.warmup;
    if (o.steps > 0) made["steps"] = o.steps;
    if (o.seconds > 0) made["seconds"] = o.seconds;
    made["betas"] = {o.beta1, o.beta2};
    made["weight_decay"] = o.weight_decay;
    made["clip"] = o.clip;
    return made;
}

nlohmann::ordered_json batch_json(const job& from) {
    return {{"sequences", from.batch.sequences}, {"tokens", from.tokens()}};
}

}  // namespace

void check_job(const job& wanted) {
    if (wanted.data.empty())
        refuse("the job has no data (nothing to train on) give \"data\": [\"folder or file\", ...] or --data PATH");
    if (wanted.output.empty()) refuse("the output folder has no name (the text is empty) give one such as runs/first");
    if (wanted.device == training_device::cuda && wanted.threads > 1)
        refuse("workers on GPUs have one thread (threads is " + std::to_string(wanted.threads) +
               ") leave it out or use \"device\": \"cpu\"");
    if (wanted.optimiser.steps == 0 && wanted.optimiser.seconds == 0)
        refuse("the job has no end (neither steps nor seconds) give \"optimiser\": {\"steps\": 200} or --steps 200");
    if (wanted.optimiser.min_learning_rate > wanted.optimiser.learning_rate)
        refuse("min_learning_rate is larger than learning_rate (the rate falls towards it) make it smaller");
    check_sizes(wanted);
}

nlohmann::ordered_json job_json(const job& from) {
    nlohmann::ordered_json made{{"format", "chimera.job"}, {"version", 1}, {"model", model_json(from.model)}};
    made["data"] = nlohmann::ordered_json::array();
    for (const auto& path : from.data) made["data"].push_back(path.string());
    made["validation_fraction"] = from.validation_fraction;
    if (from.validation_windows) made["validation_windows"] = *from.validation_windows;
    made["schedule"] = schedule_json(from);
    made["batch"] = batch_json(from);
    made["optimiser"] = optimiser_json(from.optimiser);
    made["seed"] = from.seed;
    made["output"] = from.output.string();
    made["checkpoint_interval"] = from.checkpoint_interval;
    made["watchdog"] = from.watchdog;
    made["cores"] = from.cores;
    made["threads"] = from.threads;
    made["device"] = name(from.device);
    made["precision"] = name(from.precision);
    made["deterministic"] = from.deterministic;
    made["graph"] = from.graph;
    return made;
}

std::string job_text(const job& from) {
    return job_json(from).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

nlohmann::ordered_json model_json(const gpt2_sizes& m) {
    return {{"layers", m.layers},
            {"heads", m.heads},
            {"channels", m.channels},
            {"context", m.context},
            {"vocabulary", m.vocabulary}};
}

std::string model_text(const gpt2_sizes& model) { return model_json(model).dump(); }

optimiser_settings filled_in(optimiser_settings given) {
    if (given.min_learning_rate < 0) given.min_learning_rate = given.learning_rate / 10;
    if (given.warmup < 0 && given.steps > 0) given.warmup = default_warmup(given.steps);
    return given;
}

std::string settings_text(const job& from, std::uint64_t data_fingerprint) {
    const optimiser_settings filled = filled_in(from.optimiser);
    auto optimiser = optimiser_json(filled);
    optimiser.erase("steps");  // a run that went by seconds knows its steps only later; the checkpoint has them
    optimiser.erase("seconds");
    if (filled.warmup == default_warmup(filled.steps)) optimiser.erase("warmup");
    nlohmann::ordered_json made{{"model", model_json(from.model)},
                                {"data", hex(data_fingerprint)},
                                {"validation_fraction", from.validation_fraction},
                                {"schedule", schedule_json(from)},
                                {"batch", batch_json(from)},
                                {"optimiser", optimiser},
                                {"seed", from.seed}};
    if (from.device == training_device::cuda || from.in_bf16())
        made["device"] = {name(from.device), name(from.precision)};
    if (from.threads > 1) made["threads"] = from.threads;
    if (from.file) {
        made["schedule"].erase("file");  // what it holds decides, not where it lies
        made["order"] = hash_text(json(from.file->order));
    }
    return made.dump();
}

std::string job_hash(const job& from, std::uint64_t data_fingerprint) {
    return hash_text(settings_text(from, data_fingerprint));
}

}  // namespace chimera::executor
