// SPDX-License-Identifier: Apache-2.0

#include <executor/io/family_options.hpp>
#include <executor/io/measured_line.hpp>
#include <executor/io/measurements.hpp>
#include <executor/io/read.hpp>
#include <executor/model/known_models.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <tuple>

namespace chimera::executor {

namespace {

using detail::measured_line;
using detail::measured_lines;

constexpr std::int64_t sizes_most = 1 << 20;

/// Models by what tells them apart, each made once.
template <class Key>
class model_store {
public:
    template <class Make>
    std::size_t find(const Key& key, std::vector<model>& into, const Make& make) {
        const auto [at, fresh] = known_.emplace(key, into.size());
        if (fresh) into.push_back(make());
        return at->second;
    }

private:
    std::map<Key, std::size_t> known_;
};

/// An error of what a line asks for, with the line's number.
template <class Make>
auto on_line(const measured_line& line, const Make& make) {
    try {
        return make();
    } catch (const chimera_error& e) {
        refuse(line.where() + e.what());
    }
}

void check_family(const measured_line& line, const family_spec& spec) {
    if (const refusal why = spec.refused(); why != refusal::none) refuse(line.where() + text(why), why);
    if (spec.slot_count() > 10'000'000)
        refuse(line.where() + "an iteration has more than 10 million passes (each is simulated) correct the batch");
}

/// `whole`: what rows call full, which is of whole stages in one layout and of layers in the other.
recompute_mode recompute_of(const measured_line& line, recompute_mode whole) {
    const std::string& text = line.cell("recompute");
    if (!line.has("recompute") || text == "none" || text == "0") return recompute_mode::none;
    if (text == "full" || text == "1") return whole;
    for (const recompute_mode mode : {recompute_mode::selective, recompute_mode::layers})
        if (text == name(mode)) return mode;
    if (text == "stage") return recompute_mode::full;
    refuse(line.where() + "recompute is " + line.quoted("recompute") +
           " (unknown) give none, selective, layers, stage or full");
}

/// The schedule of pipelines over `workers` workers: 1F1B where the row names none, or one with chunks interleaved.
family_spec schedule_of(const measured_line& line, int workers, int micro_batches) {
    const auto chunks = static_cast<int>(line.has("chunks") ? line.whole("chunks", 1024) : 1);
    family_spec out{.which = chunks > 1 ? family::interleaved : family::one_f_one_b,
                    .stages = workers * chunks,
                    .micro_batches = micro_batches};
    if (line.has("schedule")) on_line(line, [&] { return out.which = family_named(line.cell("schedule")); });
    if (chunks > 1) out.chunks = chunks;
    if (line.has("pipelines")) out.pipelines = static_cast<int>(line.whole("pipelines", 65534));
    return out;
}

class iterations_reader {
public:
    explicit iterations_reader(const measurement_options& how) : per_node_(how.workers_per_node) {}

    void operator()(const measured_line& line, measured_file& out) {
        const std::int64_t workers = line.whole("gpus", sizes_most), batch = line.whole("global batch", 1 << 28);
        const std::int64_t micro = line.whole("micro batch", 1 << 20), tensor = line.whole("tensor parallelism", 4096);
        const std::int64_t data = line.whole("data parallelism", sizes_most);
        const std::int64_t stages = line.whole("pipeline parallelism", 65535);
        if (tensor * data * stages != workers)
            refuse(line.where() + "gpus is " + std::to_string(workers) + " (tensor · data · pipeline is " +
                   std::to_string(tensor * data * stages) + ") make them agree");
        if (batch % (micro * data) != 0)
            refuse(line.where() + "global batch " + std::to_string(batch) + " is no multiple of " +
                   std::to_string(micro * data) + " (micro batch · data parallelism) correct one of them");
        measurement row;
        row.model = find_model(line, out.models);
        row.with.sequence_parallel =
            line.has("sequence parallelism") && line.whole("sequence parallelism", 1, 0) == 1 && tensor > 1;
        row.with.schedule = schedule_of(line, static_cast<int>(stages), static_cast<int>(batch / (micro * data)));
        check_family(line, row.with.schedule);
        row.with.continuous = asynchronous(row.with.schedule.which);
        row.with.recompute = recompute_of(line, recompute_mode::layers);
        row.with.width = static_cast<int>(data);
        row.with.tensor = static_cast<int>(tensor);
        row.with.micro_batch = static_cast<int>(micro);
        row.workers_per_node = per_node_ > 0 ? per_node_ : 8;
        row.nodes = static_cast<int>((workers + row.workers_per_node - 1) / row.workers_per_node);
        if (line.has("nodes")) {
            row.nodes = static_cast<int>(line.whole("nodes", workers));
            row.workers_per_node = static_cast<int>((workers + row.nodes - 1) / row.nodes);
        }
        row.with.cuts = on_line(line, [&] { return even_cuts(out.models[row.model], row.with.schedule.stages); });
        row.seconds = line.positive("iteration time (ms)") / 1000;
        row.name = (line.has("model") ? line.cell("model")
                                      : "h " + line.cell("hidden size") + ", layers " + line.cell("layers")) +
                   ", t " + std::to_string(tensor) + ", d " + std::to_string(data) + ", p " + std::to_string(stages) +
                   ", batch " + std::to_string(batch) + " by " + std::to_string(micro);
        out.rows.push_back(std::move(row));
    }

private:
    std::size_t find_model(const measured_line& line, std::vector<model>& into) {
        if (line.has("model"))
            return named_.find(line.cell("model"), into,
                               [&] { return on_line(line, [&] { return known_model(line.cell("model")); }); });
        const gpt2_sizes sizes{
            .layers = static_cast<int>(line.whole("layers", 65536)),
            .heads = static_cast<int>(line.whole("attention heads", 65536)),
            .channels = static_cast<int>(line.whole("hidden size", 1 << 18)),
            .vocabulary = static_cast<int>(line.has("vocabulary") ? line.whole("vocabulary", 1 << 24) : 50257),
            .context = static_cast<int>(line.whole("sequence length", 1 << 24))};
        return store_.find({sizes.layers, sizes.heads, sizes.channels, sizes.context, sizes.vocabulary}, into,
                           [&] { return on_line(line, [&] { return gpt2(sizes); }); });
    }

    int per_node_;
    model_store<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>> store_;
    model_store<std::string> named_;
};

struct scheme {
    std::string_view name;
    family which;
    chimera::scale scale = chimera::scale::direct;
};
constexpr scheme schemes[] = {{"pipedream", family::pipedream},
                              {"2bw", family::pipedream_2bw},
                              {"gpipe", family::gpipe},
                              {"gems", family::gems},
                              {"dapple", family::one_f_one_b},
                              {"chimera", family::bidirectional},
                              {"chimera_doubling", family::bidirectional, scale::doubling},
                              {"chimera_halving", family::bidirectional, scale::halving}};

/// Letters and digits in lower case: Bert-48 and bert48 are one model.
std::string plain(const std::string& text) {
    std::string out;
    for (const char c : text)
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

/// "bert48" after "bert": 48. Nothing where more than a number of layers follows.
std::optional<std::int64_t> layers_after(std::string_view start, std::string_view name) {
    if (name.substr(0, start.size()) != start) return std::nullopt;
    name.remove_prefix(start.size());
    std::int64_t layers = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), layers);
    if (failed != std::errc{} || end != name.data() + name.size() || layers < 1) return std::nullopt;
    return layers;
}

class schemes_reader {
public:
    explicit schemes_reader(const measurement_options& how) : how_(how) {}

    void operator()(const measured_line& line, measured_file& out) {
        measurement row = read(line, out);
        if (!out.hardware.empty() && out.hardware != line.cell("hardware"))
            refuse(line.where() + "hardware is " + line.quoted("hardware") + " (rows above have " + out.hardware +
                   ") keep those of one hardware");
        out.hardware = line.cell("hardware");
        const double value = line.positive("value");
        const std::string& metric = line.cell("metric");
        if (metric == "seq_per_s_measured") {
            row.rate = true;
            row.seconds = static_cast<double>(row.with.samples()) / value;
            out.rows.push_back(std::move(row));
        } else if (metric == "seq_per_s_eq1_model" || metric == "eager_sync_opt_over_eager_sync") {
            const bool predicted = metric == "seq_per_s_eq1_model";
            const auto kind = predicted ? published_figure::kind::model : published_figure::kind::eager_gain;
            pending_.emplace_back(std::move(row), published_figure{kind, 0, value});
        } else {
            refuse(line.where() + "metric is " + line.quoted("metric") +
                   " (unknown) give seq_per_s_measured, seq_per_s_eq1_model or eager_sync_opt_over_eager_sync");
        }
    }

    /// Figures find the measurement that they go with; without one they are dropped.
    void finish(measured_file& out) {
        for (auto& [row, figure] : pending_) {
            const auto at = std::find_if(out.rows.begin(), out.rows.end(),
                                         [&, &row = row](const measurement& m) { return same_run(m, row); });
            if (at == out.rows.end()) continue;
            figure.row = static_cast<std::size_t>(at - out.rows.begin());
            out.figures.push_back(figure);
        }
    }

private:
    measurement read(const measured_line& line, measured_file& out) {
        measurement row;
        const std::string named = line.cell("scheme");
        const auto* const found =
            std::find_if(std::begin(schemes), std::end(schemes), [&](const scheme& s) { return s.name == named; });
        if (found == std::end(schemes))
            refuse(line.where() + "scheme is " + line.quoted("scheme") +
                   " (unknown) give pipedream, 2bw, gpipe, gems, dapple, chimera, chimera_doubling or chimera_halving");
        const std::int64_t width = line.whole("w", sizes_most), batch = line.whole("bhat", 1 << 28);
        const bool whole = line.cell("b") == "-" && found->which == family::pipedream;
        if (whole && batch % width != 0) uneven(line, batch, width);
        const std::int64_t micro = whole ? batch / width : line.whole("b", 1 << 20);
        if (batch % (micro * width) != 0) uneven(line, batch, micro * width);
        row.with.schedule = {.which = found->which,
                             .stages = static_cast<int>(line.whole("d", 65535)),
                             .micro_batches = static_cast<int>(batch / (micro * width)),
                             .scale = found->scale};
        if (found->which == family::pipedream_2bw)
            row.with.schedule.update_every = std::max(row.with.schedule.stages, row.with.schedule.micro_batches);
        check_family(line, row.with.schedule);
        row.with.continuous = asynchronous(found->which);
        row.with.width = static_cast<int>(width);
        row.with.micro_batch = static_cast<int>(micro);
        row.with.recompute = recompute_of(line, recompute_mode::full);
        row.nodes = static_cast<int>(line.whole("nodes", sizes_most));
        const std::int64_t workers = width * row.with.schedule.stages;
        if (workers > sizes_most)
            refuse(line.where() + "W · D is " + std::to_string(workers) + " (so many workers?) give at most " +
                   std::to_string(sizes_most));
        row.workers_per_node =
            how_.workers_per_node > 0 ? how_.workers_per_node : static_cast<int>((workers + row.nodes - 1) / row.nodes);
        row.model = store_.find(line.cell("model"), out.models, [&] { return model_of(line); });
        row.with.cuts = on_line(line, [&] { return even_cuts(out.models[row.model], row.with.schedule.stages); });
        row.name = line.cell("model") + ' ' + named + ", " + std::to_string(row.nodes) + " nodes, W " +
                   std::to_string(width) + ", D " + line.cell("d") + ", B " + std::to_string(micro);
        return row;
    }

    [[noreturn]] static void uneven(const measured_line& line, std::int64_t batch, std::int64_t parts) {
        refuse(line.where() + "Bhat " + std::to_string(batch) + " is no multiple of " + std::to_string(parts) +
               " (samples of a micro-batch on every copy) correct W, B or Bhat");
    }

    model model_of(const measured_line& line) const {
        const std::string name = plain(line.cell("model"));
        return on_line(line, [&]() -> model {
            if (const auto layers = layers_after("bert", name)) {
                bert_sizes sizes = line.cell("hardware") == "V100" ? bert_48_512 : bert_48;
                sizes.layers = *layers;
                if (how_.tokens > 0) sizes.tokens = how_.tokens;
                return bert(sizes);
            }
            if (const auto layers = name == "gpt2" ? 64 : layers_after("gpt2", name)) {
                gpt2_sizes sizes = gpt2_64;
                sizes.layers = static_cast<int>(*layers);
                if (how_.tokens > 0) sizes.tokens = static_cast<int>(how_.tokens);
                return gpt2(sizes);
            }
            if (how_.tokens > 0)
                refuse("tokens cannot be given for " + line.quoted("model") +
                       " (only Bert-N and GPT-2-N take them) name a model of the catalogue that has them");
            std::string known = line.cell("model");
            for (char& c : known) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            return known_model(known);
        });
    }

    measurement_options how_;
    model_store<std::string> store_;
    std::vector<std::pair<measurement, published_figure>> pending_;
};

}  // namespace

measured_file read_measurements(std::string_view text, const measurement_options& how) {
    measured_lines lines(text);
    measured_file out;
    const bool schemes_file = lines.has({"scheme", "metric"});
    out.layout = schemes_file ? measurement_layout::schemes : measurement_layout::iterations;
    if (schemes_file) {
        lines.need({"model", "hardware", "nodes", "scheme", "w", "d", "b", "bhat", "recompute", "metric", "value"});
        schemes_reader read(how);
        while (lines.next()) read(lines.current(), out);
        read.finish(out);
    } else {
        lines.need({"gpus", "global batch", "micro batch"});
        if (!lines.has({"model"})) lines.need({"hidden size", "attention heads", "layers", "sequence length"});
        lines.need({"tensor parallelism", "data parallelism", "pipeline parallelism", "iteration time (ms)"});
        iterations_reader read(how);
        while (lines.next()) read(lines.current(), out);
    }
    if (out.rows.empty()) refuse("no row is a measurement (only a header is left) give some");
    return out;
}

measured_file load_measurements(const std::string& path, const measurement_options& how) {
    const std::string text = read_file(path);
    try {
        return read_measurements(text, how);
    } catch (const chimera_error& e) {
        refuse(path + ": " + e.what());
    }
}

}  // namespace chimera::executor
