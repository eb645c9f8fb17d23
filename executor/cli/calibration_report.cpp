// SPDX-License-Identifier: Apache-2.0
#include <executor/cli/calibration_report.hpp>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <map>
#include <optional>

namespace chimera::executor {

namespace {

constexpr std::size_t rows_shown = 60;

[[gnu::format(printf, 2, 3)]] void append_formatted(std::string& to, const char* format, ...) {
    char line[512];
    std::va_list values;
    va_start(values, format);
    std::vsnprintf(line, sizeof line, format, values);
    va_end(values);
    to += line;
}

/// In the unit of the measurement: samples per second, or milliseconds.
double in_its_unit(const measurement& m, double seconds) {
    return m.rate ? static_cast<double>(m.with.samples()) / seconds : 1000 * seconds;
}
double predicted(const measurement& m, double error) { return in_its_unit(m, m.seconds) * (1 + error); }

std::optional<double> figure(const measured_file& of, std::size_t row, published_figure::kind kind) {
    for (const published_figure& f : of.figures)
        if (f.what == kind && same_run(of.rows[f.row], of.rows[row])) return f.value;
    return std::nullopt;
}

/// The rate under eager_opt over that under eager, predicted.
double eager_gain(const predicted_rows& rows, std::size_t row) {
    configuration with = rows.by.rows()[row].with;
    with.synchronisation = reduction_start::eager;
    return rows.by.seconds(row, rows.on, with) / rows.by.seconds(row, rows.on);
}

std::string row_lines(const predicted_rows& rows) {
    std::string out;
    append_formatted(out, "%-48s %10s %10s %8s %9s %9s\n", "row", "measured", "predicted", "error", "held out",
                     "Eq. 1");
    for (std::size_t i = 0; i < rows.of.rows.size(); ++i) {
        const measurement& m = rows.of.rows[i];
        append_formatted(out, "%-48s %10.1f %10.1f %+7.1f%%", m.name.c_str(), in_its_unit(m, m.seconds),
                         predicted(m, rows.errors[i]), 100 * rows.errors[i]);
        if (!rows.held_out.empty()) append_formatted(out, " %+8.1f%%", 100 * rows.held_out[i]);
        if (const auto paper = figure(rows.of, i, published_figure::kind::model))
            append_formatted(out, " %9.1f", *paper);
        out += '\n';
    }
    return out;
}

/// One line a value of a parallelism: how many rows, their mean error and p95.
std::string classes(const predicted_rows& rows) {
    struct kind {
        const char* name;
        int (*of)(const configuration&);
    };
    constexpr std::array kinds{kind{"tensor", [](const configuration& c) { return c.tensor; }},
                               kind{"width", [](const configuration& c) { return c.width; }},
                               kind{"stages", [](const configuration& c) { return c.schedule.stages; }},
                               kind{"micro-batch", [](const configuration& c) { return c.micro_batch; }}};
    const std::vector<double>& errors = rows.held_out.empty() ? rows.errors : rows.held_out;
    std::string out;
    append_formatted(out, "%-16s %8s %8s %8s %8s\n", "class", "rows", "mean", "p95", "largest");
    for (const kind& one : kinds) {
        std::map<int, std::vector<double>> parts;
        for (std::size_t i = 0; i < errors.size(); ++i) parts[one.of(rows.of.rows[i].with)].push_back(errors[i]);
        for (const auto& [value, part] : parts) {
            const error_summary e = sum_up(part);
            append_formatted(out, "%-11s %4d %8zu %7.2f%% %7.2f%% %7.2f%%\n", one.name, value, part.size(),
                             100 * e.mean, 100 * e.p95, 100 * e.most);
        }
    }
    return out;
}

/// The best measured row of every scheme of one model on so many nodes.
struct measured_group {
    std::size_t model = 0;
    int nodes = 0;
    std::vector<std::size_t> best;
};

std::vector<measured_group> measured_groups(const measured_file& of) {
    std::vector<measured_group> out;
    for (std::size_t i = 0; i < of.rows.size(); ++i) {
        const measurement& m = of.rows[i];
        auto at = std::find_if(out.begin(), out.end(),
                               [&](const measured_group& c) { return c.model == m.model && c.nodes == m.nodes; });
        if (at == out.end()) at = out.insert(out.end(), {m.model, m.nodes, {}});
        const auto rival = std::find_if(at->best.begin(), at->best.end(), [&](std::size_t k) {
            return of.rows[k].with.schedule.which == m.with.schedule.which;
        });
        if (rival == at->best.end())
            at->best.push_back(i);
        else if (in_its_unit(m, m.seconds) > in_its_unit(of.rows[*rival], of.rows[*rival].seconds))
            *rival = i;
    }
    out.erase(std::remove_if(out.begin(), out.end(), [](const measured_group& c) { return c.best.size() < 2; }),
              out.end());
    std::stable_sort(out.begin(), out.end(),
                     [](const measured_group& a, const measured_group& b) { return a.nodes < b.nodes; });
    return out;
}

std::vector<std::size_t> by_time(const predicted_rows& rows, std::vector<std::size_t> of, bool measured) {
    std::stable_sort(of.begin(), of.end(), [&](std::size_t a, std::size_t b) {
        const auto rate = [&](std::size_t i) {
            const measurement& m = rows.of.rows[i];
            return measured ? in_its_unit(m, m.seconds) : predicted(m, rows.errors[i]);
        };
        return rate(a) > rate(b);
    });
    return of;
}

std::string names(const measured_file& of, const std::vector<std::size_t>& order) {
    std::string out;
    for (const std::size_t i : order) {
        if (!out.empty()) out += " > ";
        out += name(of.rows[i].with.schedule.which);
    }
    return out;
}

std::string rankings(const predicted_rows& rows) {
    std::string out;
    for (const measured_group& c : measured_groups(rows.of)) {
        const auto measured = by_time(rows, c.best, true), ours = by_time(rows, c.best, false);
        append_formatted(out, "%d nodes: %s (%s)\n", c.nodes, names(rows.of, ours).c_str(),
                         measured == ours ? "as measured" : ("measured: " + names(rows.of, measured)).c_str());
    }
    for (const published_figure& f : rows.of.figures)
        if (f.what == published_figure::kind::eager_gain)
            append_formatted(out, "%d nodes: eager_opt over eager %.3f, published %.3f\n", rows.of.rows[f.row].nodes,
                             eager_gain(rows, f.row), f.value);
    return out;
}

}  // namespace

std::string text_of(const error_summary& e) {
    std::string out;
    append_formatted(out, "mean %.2f %%, 95 of 100 within %.2f %%, largest %.2f %%", 100 * e.mean, 100 * e.p95,
                     100 * e.most);
    return out;
}

std::string text_of(const calibration& found, const std::string& file, std::size_t rows) {
    std::string out;
    append_formatted(out, "%s: %zu rows, %zu numbers fitted\n\n", file.c_str(), rows, found.estimates.size());
    append_formatted(out, "%-20s %12s   95 %% interval\n", "number", "value");
    for (const estimate& e : found.estimates) {
        append_formatted(out, "%-20s %12.5g   ", std::string(e.number->name).c_str(), e.value);
        append_formatted(out, "%.4g … %.4g %s%s\n", e.low, e.high, std::string(e.number->what).c_str(),
                         e.told() ? "" : " (as known: these rows hardly tell)");
    }
    out += "\nerrors of the fit: " + text_of(found.fit) + '\n';
    append_formatted(out, "held out (%d parts): ", found.folds);
    out += text_of(found.unseen) + "\n";
    for (const extrapolation& e : found.beyond)
        append_formatted(out, "beyond the fit (each %s of %zu left out): %s\n", std::string(e.size).c_str(), e.values,
                         text_of(e.unseen).c_str());
    return out;
}

std::string text_of(const predicted_rows& rows) {
    std::string out = '\n' + (rows.of.rows.size() <= rows_shown ? row_lines(rows) : classes(rows));
    const std::string order = rows.of.layout == measurement_layout::schemes ? rankings(rows) : "";
    return order.empty() ? out : out + '\n' + order;
}

nlohmann::json json_of(const error_summary& errors) {
    return {{"mean", errors.mean}, {"p95", errors.p95}, {"largest", errors.most}};
}

nlohmann::json json_of(const calibration& found) {
    nlohmann::json numbers = nlohmann::json::array();
    for (const estimate& e : found.estimates) {
        numbers.push_back(
            {{"name", e.number->name}, {"value", e.value}, {"low", e.low}, {"high", e.high}, {"told", e.told()}});
    }
    nlohmann::json unseen = json_of(found.unseen);
    unseen["parts"] = found.folds;
    nlohmann::json beyond = nlohmann::json::object();
    for (const extrapolation& e : found.beyond) {
        beyond[std::string(e.size)] = json_of(e.unseen);
        beyond[std::string(e.size)]["values"] = e.values;
    }
    return {{"numbers", numbers}, {"fit", json_of(found.fit)}, {"held_out", unseen}, {"beyond", beyond}};
}

nlohmann::json json_of(const predicted_rows& rows) {
    nlohmann::json out = nlohmann::json::array();
    for (std::size_t i = 0; i < rows.of.rows.size(); ++i) {
        const measurement& m = rows.of.rows[i];
        nlohmann::json row{{"name", m.name},
                           {"unit", m.rate ? "samples/s" : "ms"},
                           {"measured", in_its_unit(m, m.seconds)},
                           {"predicted", predicted(m, rows.errors[i])},
                           {"error", rows.errors[i]}};
        if (!rows.held_out.empty()) row["held_out"] = rows.held_out[i];
        if (const auto paper = figure(rows.of, i, published_figure::kind::model)) row["eq1"] = *paper;
        if (const auto gain = figure(rows.of, i, published_figure::kind::eager_gain)) {
            row["eager_opt_over_eager"] = eager_gain(rows, i);
            row["eager_opt_over_eager_published"] = *gain;
        }
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace chimera::executor
