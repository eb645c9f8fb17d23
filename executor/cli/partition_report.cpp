// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/memory_text.hpp>

#include <executor/planner/partition_job.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace chimera::executor {

namespace {

using format::fixed_point;
using format::put;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

std::string digits(double value, int decimals) {
    std::string out;
    put(out, fixed_point{value, decimals});
    return out;
}
std::string rounded_bytes(double bytes) {
    std::string out;
    format::put_bytes(out, bytes);
    return out;
}

/// 12.3 ms, or 4.56 TFLOP.
std::string weight_text(const partition_job& job, double weight) {
    constexpr const char* times[] = {" s", " ms", " us"};
    constexpr const char* work[] = {" EFLOP", " PFLOP", " TFLOP", " GFLOP", " MFLOP", " kFLOP", " FLOP"};
    std::size_t unit = 0;
    const std::size_t last = job.on ? std::size(times) - 1 : std::size(work) - 1;
    if (!job.on) weight /= 1e18;
    for (; weight < 1 && unit < last; weight *= 1000) ++unit;
    return digits(weight, weight >= 100 ? 0 : weight >= 10 ? 1 : 2) + (job.on ? times[unit] : work[unit]);
}

std::int64_t parameters_of(const partition_job& job, const partition_answer& of, int stage) {
    std::int64_t sum = 0;
    for (int l = of.cuts[at(stage)]; l < of.cuts[at(stage) + 1]; ++l) sum += job.what.layers[at(l)].parameters;
    return sum;
}
double mean(const std::vector<double>& of) {
    return std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size());
}
double most(const std::vector<double>& of) { return *std::max_element(of.begin(), of.end()); }

/// The workers that hold a stage, and the stages that a worker holds.
std::vector<int> holders(const partition_job& job, int stage) {
    std::vector<int> out;
    for (int p = 0; p < job.order.head.pipelines; ++p) {
        const int w = job.order.view().worker_of(p, stage);
        if (std::find(out.begin(), out.end(), w) == out.end()) out.push_back(w);
    }
    return out;
}
std::vector<int> held(const partition_job& job, int worker) {
    std::vector<int> out;
    for (int s = 0; s < job.order.head.stages; ++s)
        for (const int w : holders(job, s))
            if (w == worker) out.push_back(s);
    return out;
}
std::string list(const std::vector<int>& of) {
    std::string out;
    for (const int i : of) put(out, out.empty() ? "" : ",", i);
    return out;
}

/// Columns as wide as their widest cell; numbers to the right.
std::string columns_text(const std::vector<std::vector<std::string>>& rows, std::size_t left) {
    std::vector<std::size_t> width;
    for (const auto& row : rows) {
        width.resize(std::max(width.size(), row.size()));
        for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t c = 0; c < row.size(); ++c) {
            const std::string gap(width[c] - row[c].size(), ' ');
            put(line, c == 0 ? "" : "  ", c < left ? row[c] + gap : gap + row[c]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        put(out, line, "\n");
    }
    return out;
}

}  // namespace

std::string partition_text(const partition_job& job, const partition_answer& of) {
    std::string out;
    const shape& head = job.order.head;
    put(out, job.what.name.view(), ", ", parameters(job.what), " parameters, ", job.what.layers.size(), " layers: ");
    put(out, head.stages, head.stages == 1 ? " stage of " : " stages of ", head.family.view(), ", ",
        head.micro_batches);
    put(out, " micro-batches of ", job.samples, job.samples == 1 ? " sample\n\n" : " samples\n\n");
    std::vector<std::vector<std::string>> rows{
        {"stage", "layers", "from", "to", "recompute", "parameters", job.on ? "time" : "work", "of mean", "workers"}};
    for (int s = 0; s < head.stages; ++s) {
        const int from = of.cuts[at(s)], to = of.cuts[at(s) + 1] - 1;
        rows.push_back({std::to_string(s), std::to_string(from) + "-" + std::to_string(to),
                        std::string(job.what.layers[at(from)].name.view()),
                        std::string(job.what.layers[at(to)].name.view()), name(of.modes[at(s)]),
                        std::to_string(parameters_of(job, of, s)), weight_text(job, of.stages[at(s)]),
                        digits(of.stages[at(s)] / mean(of.stages), 3), list(holders(job, s))});
    }
    put(out, columns_text(rows, 5), "\n");
    rows = {{"worker", "stages", job.on ? "time" : "work", "of mean", "memory"}};
    if (!job.speeds.empty()) rows[0].insert(rows[0].begin() + 2, {"is", "speed"});
    for (int w = 0; w < head.workers; ++w) {
        rows.push_back({std::to_string(w), list(held(job, w)), weight_text(job, of.workers[at(w)]),
                        digits(of.workers[at(w)] / mean(of.workers), 3), rounded_bytes(of.memory[at(w)])});
        if (job.speeds.empty()) continue;
        const int own = of.order[at(w)];
        rows.back().insert(rows.back().begin() + 2, {std::to_string(own), digits(job.speeds[at(own)], 6)});
    }
    put(out, columns_text(rows, 2), "\nslowest worker: ", digits(most(of.workers) / mean(of.workers), 4),
        " of the mean");
    if (of.optimal)
        put(out, ", no cut has a faster one");
    else if (of.bound)
        put(out, ", no cut has one below ", digits(*of.bound / mean(of.workers), 4));
    put(out, "\n");
    return out;
}

std::string partition_json(const partition_job& job, const partition_answer& of) {
    std::string out = "{\"format\":\"chimera.partition\",\"version\":1,\"model\":";
    const shape& head = job.order.head;
    format::put_quoted(out, job.what.name.view());
    put(out, ",\"family\":");
    format::put_quoted(out, head.family.view());
    put(out, ",\"workers\":", head.workers, ",\"pipelines\":", head.pipelines,
        ",\"micro_batches\":", head.micro_batches);
    put(out, ",\"samples\":", job.samples, ",\"unit\":\"", job.on ? "seconds" : "flops", "\",\n \"cuts\":[",
        list(of.cuts));
    put(out, "],\n \"stages\":[");
    for (int s = 0; s < head.stages; ++s) {
        put(out, s == 0 ? "\n" : ",\n", "  {\"stage\":", s, ",\"from\":", of.cuts[at(s)],
            ",\"to\":", of.cuts[at(s) + 1] - 1);
        put(out, ",\"parameters\":", parameters_of(job, of, s), ",\"weight\":", of.stages[at(s)], ",\"recompute\":\"",
            name(of.modes[at(s)]), "\",\"workers\":[", list(holders(job, s)), "]}");
    }
    put(out, "],\n \"worker\":[");
    for (int w = 0; w < head.workers; ++w) {
        put(out, w == 0 ? "\n" : ",\n", "  {\"stages\":[", list(held(job, w)), "],\"weight\":", of.workers[at(w)]);
        put(out, ",\"bytes\":", static_cast<std::int64_t>(std::ceil(of.memory[at(w)])));
        if (!job.speeds.empty()) {
            const int own = of.order[at(w)];
            put(out, ",\"is\":", own, ",\"speed\":", job.speeds[at(own)]);
        }
        put(out, "}");
    }
    put(out, "],\n \"slowest\":", most(of.workers), ",\"mean\":", mean(of.workers),
        ",\"balance\":", most(of.workers) / mean(of.workers));
    if (of.bound) put(out, ",\"bound\":", *of.bound);
    put(out, ",\"proven\":", of.optimal ? "true" : "false", "}\n");
    return out;
}

}  // namespace chimera::executor
