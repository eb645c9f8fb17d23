// SPDX-License-Identifier: Apache-2.0
#include <executor/io/choice_names.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/hardware_file.hpp>
#include <executor/io/model_file.hpp>
#include <executor/io/read.hpp>
#include <executor/io/resources.hpp>
#include <executor/memory/run_memory.hpp>
#include <executor/planner/given.hpp>
#include <executor/planner/task.hpp>

#include <executor/model/known_models.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace chimera::executor {

namespace {

using detail::fields;
using detail::shown;
using nlohmann::json;

constexpr std::int64_t workers_most = 1 << 20;

model find_model_of(fields& from, const std::string& called) {
    model_changes asked;
    from.read("tokens", asked.tokens, 1, std::int64_t{1} << 28);
    from.read("vocabulary_multiple", asked.vocabulary_multiple, 1, std::int64_t{1} << 28);
    from.read("fp8", asked.fp8);
    const json& value = from.need("model", "a model's name or file");
    if (value.is_string()) return load_model(value.get<std::string>(), asked);
    if (value.is_object()) return model_from_json(value, asked);
    refuse(called + ": model is " + shown(value) + " (neither a name nor a model) give " + known_model_names() +
           " or a file");
}

std::vector<double> list_of(const json& value, const std::string& what, bool bytes) {
    if (!value.is_array() || value.empty() || value.size() > static_cast<std::size_t>(workers_most))
        refuse(what + " is " + shown(value) + " (not a list) give a number for every worker");
    std::vector<double> out;
    for (const json& each : value) {
        const double number = bytes ? bytes_of(each, what) : each.is_number() ? each.get<double>() : 0;
        if (!(number > 0) || !(number < 1e18) || (!bytes && (number < 1e-6 || number > 1e6)))
            refuse(what + " has " + shown(each) + " in it (" +
                   (number > 0 && !bytes ? "out of range, which is 1e-06 to 1e+06" : "it must be above 0") +
                   ") give a number for every worker");
        out.push_back(number);
    }
    return out;
}

/// "5%" of `memory`, or a number of bytes below it.
double reserve_of(const json& value, double memory, const std::string& what) {
    if (!value.is_string() || !value.get_ref<const std::string&>().ends_with('%')) {
        if (value == 0 || value == "0") return 0;
        const double bytes = bytes_of(value, what);
        if (bytes < memory) return bytes;
        refuse(what + " is " + shown(value) + " (no less than the memory itself) give less");
    }
    const std::string& text = value.get_ref<const std::string&>();
    char* end = nullptr;
    const double share = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '%' || end[1] != 0 || !(share >= 0) || !(share < 100))
        refuse(what + " is " + shown(value) + " (no share of the memory) give one such as 5% or a number of bytes");
    return memory * share / 100;
}

/// Takes the reserve from every worker's memory; a share is one of the least.
void keep_reserve(fields& from, const char* usual, cluster& on, plan_task& of) {
    const json* asked = from.find("reserve");
    double least = on.memory;
    for (const double memory : on.memories) least = std::min(least, memory);
    if (!std::isfinite(least)) {
        if (asked) from.wrong("reserve", *asked, "there is no memory to keep it from", "memory as well");
        return;
    }
    of.reserve = reserve_of(asked ? *asked : json(usual), least, from.of() + ": reserve");
    on.memory -= of.reserve;
    for (double& memory : on.memories) memory -= of.reserve;
}

/// A link that no number is known of would cost nothing.
void check_links(const cluster& on, const std::string& called) {
    const auto need = [&](bool used, double bandwidth, const char* key, const char* who) {
        if (used && !std::isfinite(bandwidth))
            refuse(called + ": cluster: hardware has no " + key + " (" + who + " exchange over it) give it in bytes/s");
    };
    need(on.workers_per_node > 1 && on.workers() > 1, on.each.inside.bandwidth, "inside.bandwidth",
         "the workers of a node");
    need(on.nodes > 1, on.each.between.bandwidth, "between.bandwidth", "nodes");
}

/// Reads the hardware, and takes from it what the request leaves out of a cluster: a worker's memory, unless a profile
/// of this machine says what there is, and the workers of a node.
void read_hardware_of(fields& from, cluster& out, plan_task& of) {
    const json* given = from.find("hardware");
    if (given == nullptr) return;
    const fitted_hardware found = given->is_string() ? load_hardware(given->get<std::string>())
                                                     : read_fitted_hardware(*given, from.of() + ": hardware");
    out.each = found.numbers;
    of.held_out = found.held_out;
    of.known_by = found.called;
    if (found.memory && !from.has("memory") && !from.has("memories") && !of.request.contains("profile"))
        out.memory = *(of.known_memory = found.memory);
    if (found.workers_per_node && !from.has("workers_per_node"))
        out.workers_per_node = *(of.known_workers = found.workers_per_node);
}

cluster cluster_of(const json& value, const std::string& called, const char* usual_reserve, plan_task& of) {
    fields from(value, called + ": cluster");
    cluster out;
    read_hardware_of(from, out, of);
    from.read("nodes", out.nodes, 1, workers_most);
    from.read("workers_per_node", out.workers_per_node, 1, workers_most);
    if (std::int64_t{out.nodes} * out.workers_per_node > workers_most)
        refuse(from.of() + " has more than " + std::to_string(workers_most) + " workers (too many) give fewer nodes");
    if (const json* memory = from.find("memory")) out.memory = bytes_of(*memory, from.of() + ": memory");
    const bool sized = from.has("nodes") || from.has("workers_per_node");
    int workers = sized ? out.nodes * out.workers_per_node : 0;
    from.read("workers", workers, 1, workers_most);
    if (const json* speeds = from.find("speeds")) out.speeds = list_of(*speeds, from.of() + ": speeds", false);
    if (const json* memories = from.find("memories")) out.memories = list_of(*memories, from.of() + ": memories", true);
    keep_reserve(from, usual_reserve, out, of);
    from.finish();
    if (out.speeds.empty() && !out.memories.empty()) out.speeds.assign(out.memories.size(), 1.0);
    if (!out.speeds.empty() && !out.memories.empty() && out.speeds.size() != out.memories.size())
        refuse(from.of() + ": speeds and memories differ in length (each says it of every worker) give as many");
    if (workers == 0 || out.workers() == workers) return out;
    if (out.speeds.empty())
        refuse(from.of() + ": workers is " + std::to_string(workers) + " (nodes and workers_per_node say " +
               std::to_string(out.workers()) + ") leave it out");
    refuse(from.of() + (from.has("speeds") ? ": speeds has " : ": memories has ") + std::to_string(out.workers()) +
           " numbers (the cluster has " + std::to_string(workers) + " workers) give one for each");
}

void read_choices(fields& from, const std::string& called, plan_request& asked) {
    if (const json* list = from.find("families")) asked.families = several_named<family>(*list, called + ": families");
    if (const json* list = from.find("recompute"))
        asked.recompute = several_named<recompute_mode>(*list, called + ": recompute");
    if (const json* list = from.find("sync"))
        asked.synchronisation = several_named<reduction_start>(*list, called + ": sync");
    const auto numbers = [&](const char* key, int least, int most, std::vector<int>& into) {
        const json* list = from.find(key);
        if (list == nullptr) return;
        into.clear();
        for (const json& each : list->is_array() ? *list : json::array({*list})) {
            if (!each.is_number_integer() || each.get<std::int64_t>() < least || each.get<std::int64_t>() > most)
                from.wrong(key, each, "out of range",
                           "whole numbers from " + std::to_string(least) + " to " + std::to_string(most));
            into.push_back(each.get<int>());
        }
        std::sort(into.begin(), into.end());
        into.erase(std::unique(into.begin(), into.end()), into.end());
        if (into.empty()) from.wrong(key, *list, "empty", "at least one");
    };
    numbers("zero", 0, 3, asked.zero);
    numbers("tensor", 1, 1024, asked.tensors);
    from.read("sequence_parallel", asked.sequence_parallel);
    from.read("stages_most", asked.most_stages, 1, 65535);
    from.read("micro_batch_most", asked.most_micro_batch, 1, 1 << 20);
    asked.top = static_cast<std::size_t>(from.whole("top", 1, 1000, static_cast<std::int64_t>(asked.top)));
}

/// The trainer's own limits: recompute of whole stages, no slices, no products in 8 bits.
void check_trainable(fields& from, const plan_request& asked, const std::string& called) {
    if (from.flag("fp8", false))
        refuse(called + ": fp8 does not apply to a job (chimera train has no products in 8 bits) leave it out");
    for (const recompute_mode mode : asked.recompute)
        if (mode == recompute_mode::selective || mode == recompute_mode::layers)
            refuse(called + ": recompute allows " + chimera::name(mode) +
                   " (a training job recomputes whole stages) give none, mixed or full");
}

/// Reads the times of workers: a profile of this machine, or the hardware of the cluster.
void read_speeds(fields& from, const json& request, const std::string& name, plan_task& of) {
    if (const json* file = from.find("profile")) {
        if (!file->is_string()) from.wrong("profile", *file, "not a file's name", "one that chimera profile wrote");
        of.machine = load_profile(file->get<std::string>());
    } else if (!request["cluster"].contains("hardware")) {
        refuse(name +
               ": cluster: hardware is missing (nothing says what a worker takes) give what chimera calibrate "
               "wrote, or for a training job a profile");
    } else {
        check_links(of.on, name);
    }
}

/// A training job as a request: what it trains in an iteration, on so many workers of this machine as it asks for.
json request_of_job(const json& value, const std::string& path) {
    const job wanted = read_job(value, path);
    const family_options& s = wanted.schedule;
    const std::int64_t samples = std::int64_t{s.width} * s.micro_batches * wanted.batch.sequences;
    const schedule order = schedule_of(wanted);
    return {{"format", "chimera.plan"},
            {"version", 1},
            {"samples", samples},
            {"cluster", {{"nodes", 1}, {"workers_per_node", order.head.workers}}},
            {"job", value}};
}

model model_of_job(const job& of) {
    gpt2_sizes sizes = of.model;
    sizes.tokens = of.tokens();
    return executed_gpt2(sizes, of.batch.sequences, numbers_of(of));
}

}  // namespace

json known_json(const plan_task& task) {
    json out = json::object();
    if (task.known_memory) out["memory"] = *task.known_memory;
    if (task.known_workers) out["workers_per_node"] = *task.known_workers;
    if (!out.empty()) out["hardware"] = task.known_by;
    return out;
}

double bytes_of(const json& value, const std::string& what) {
    double number = 0;
    bool good = value.is_number();
    if (good) number = value.get<double>();
    if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        char* end = nullptr;
        number = std::strtod(text.c_str(), &end);
        std::string unit(end);
        unit.erase(0, unit.find_first_not_of(' '));
        constexpr std::pair<const char*, double> units[] = {
            {"", 1},      {"B", 1},        {"KB", 1e3},     {"MB", 1e6},     {"GB", 1e9},
            {"TB", 1e12}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
        for (const auto& [known, factor] : units)
            if (end != text.c_str() && unit == known) number *= factor, good = true;
    }
    if (!good || !(number >= 1) || !(number <= 1e18))
        refuse(what + " is " + shown(value) + " (not a number of bytes) give one such as 17179869184 or \"16GiB\"");
    return number;
}

json read_plan_request(const std::string& path) {
    json value = parse_json(read_file(path), path);
    const std::string format = value.is_object() && value.contains("format") && value["format"].is_string()
                                   ? value["format"].get<std::string>()
                                   : "";
    if (value.is_object() && value.contains("plan") && value["plan"].is_object()) {
        const json& plan = value["plan"];
        if (!plan.contains("request") || !plan["request"].is_object() || !plan.contains("ranking"))
            refuse(path + ": plan has no request and ranking (it is no answer of chimera plan) give a request");
        json request = plan["request"];
        request["before"] = plan["ranking"];
        return request;
    }
    if (format == "chimera.plan") return value;
    if (format == "chimera.plan_price" && value.contains("request") && value["request"].is_object())
        return value["request"];
    // A job may leave its format out; what it cannot leave out is its data.
    if (format == "chimera.job" || (!value.contains("format") && value.is_object() && value.contains("data")))
        return request_of_job(value, path);
    refuse(path + " is no request (its format is " + shown(json(format)) + ") give a chimera.plan or a chimera.job");
}

plan_task resolve(const json& request, const std::string& name) {
    fields from(request, name);
    plan_task out;
    out.request = request;
    out.request.erase("before");
    if (const std::string format = from.text("format", 32, "chimera.plan"); format != "chimera.plan")
        from.wrong("format", json(format), "no request", "chimera.plan");
    from.whole("version", 1, 1, 1);
    if (const json* wanted = from.find("job")) {
        out.training = read_job(*wanted, name + ": job");
        out.what = model_of_job(*out.training);
        // The trainer's own limits: no sharded state, no slices, recompute of whole stages.
        out.asked.zero = {0};
        out.asked.recompute = {recompute_mode::none, recompute_mode::mixed, recompute_mode::full};
        out.asked.even = true;
    } else {
        out.what = find_model_of(from, name);
    }
    out.asked.samples = from.whole("samples", 1, std::int64_t{1} << 40);
    read_choices(from, name, out.asked);
    out.asked.threads = std::min(usable_cores(), 8);  // each keeps orders of its own
    if (out.training) check_trainable(from, out.asked, name);
    out.on = cluster_of(from.need("cluster", "its nodes, workers_per_node, memory and hardware"), name,
                        from.has("profile") ? "0" : "5%", out);
    if (const json* before = from.find("before"))
        for (const json& each : *before)
            if (each.is_object() && each.contains("configuration"))
                out.before.push_back(read_configuration(each["configuration"], name + ": ranking"));
    read_speeds(from, request, name, out);
    check_fp8(out.what, out.on.each);
    if (const json* given = from.find("configuration")) {
        if (out.machine || out.training)
            refuse(name +
                   ": configuration is of a cluster (a job states its own, and a profile is of this machine) give a "
                   "model and hardware");
        out.given = complete(*given, out, name + ": configuration");
    }
    from.finish();
    return out;
}

}  // namespace chimera::executor
