// SPDX-License-Identifier: Apache-2.0
#include <chimera/calibrate/known_hardware.hpp>

#include <executor/cli/calibration_report.hpp>
#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/hardware_file.hpp>
#include <executor/io/write.hpp>

#include <charconv>
#include <filesystem>
#include <memory>

namespace chimera::executor {

namespace {

struct calibrate_arguments {
    std::string file;
    std::optional<std::string> test, test_tokens, fit, hardware, tokens, per_node, folds, tolerate, out;
    std::vector<std::string> fixed;
    std::string format = "text";
};

/// The defaults of --fit, by the kind of rows.
constexpr std::string_view of_schemes = "flops,launch,between.bandwidth,collective,step_overhead";
constexpr std::string_view of_iterations =
    "flops,memory_bandwidth,launch,launch_ends,launch_slices,unaligned,exchange_latency,update_bandwidth,"
    "inside.bandwidth,node_bandwidth";

const hardware_number& number_named(const std::string& name, const char* option) {
    if (const hardware_number* found = find_hardware_number(name)) return *found;
    std::string known;
    for (const hardware_number& one : hardware_numbers) known += (known.empty() ? "" : ", ") + std::string(one.name);
    refuse(std::string(option) + " names \"" + name.substr(0, 40) + "\" (no number of a hardware) use " + known);
}

std::vector<const hardware_number*> numbers_named(std::string_view list) {
    std::vector<const hardware_number*> out;
    for (std::size_t from = 0; from <= list.size();) {
        const std::size_t to = std::min(list.find(',', from), list.size());
        const hardware_number& one = number_named(std::string(list.substr(from, to - from)), "--fit");
        if (std::find(out.begin(), out.end(), &one) != out.end())
            refuse("--fit names " + std::string(one.name) + " twice (it is one number) name it once");
        out.push_back(&one);
        from = to + 1;
    }
    return out;
}

/// Sets NAME=VALUE and says which number that was.
const hardware_number* fix(hardware& on, const std::string& text) {
    const auto sign = text.find('=');
    if (sign == std::string::npos)
        refuse("--fix is \"" + text.substr(0, 40) + "\" (no value) give NAME=VALUE such as step_overhead=0.01");
    const hardware_number& number = number_named(text.substr(0, sign), "--fix");
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data() + sign + 1, text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size() || !(value >= number.least) ||
        !(value <= number.most))
        refuse("--fix " + text.substr(0, 60) + " has a value out of range (" + std::string(number.name) + " is from " +
               detail::brief(number.least) + " to " + detail::brief(number.most) + ") give such a number");
    number.of(on) = value;
    return &number;
}

/// Returns the start of the fit: as --hardware says, else as is known of the hardware that the rows name.
fitted_hardware base_of(const calibrate_arguments& with, const measured_file& measured) {
    if (with.hardware) return load_hardware(*with.hardware);
    if (measured.layout == measurement_layout::iterations) return {.numbers = a100_nodes};
    const hardware* known = find_hardware(measured.hardware);
    return {.numbers = known != nullptr ? *known : p100_nodes};
}

measurement_options reading(const calibrate_arguments& with, const char* option,
                            const std::optional<std::string>& tokens) {
    measurement_options how;
    if (tokens) how.tokens = static_cast<int>(whole(option, *tokens, 1, 1 << 20));
    if (with.per_node) how.workers_per_node = static_cast<int>(whole("--workers-per-node", *with.per_node, 1, 1 << 20));
    return how;
}

const std::vector<double> none;

calibration_options options_of(const calibrate_arguments& with, const measured_file& measured) {
    calibration_options how;
    if (with.folds) how.folds = static_cast<int>(whole("--folds", *with.folds, 2, 1000000));
    how.tolerable = measured.layout == measurement_layout::iterations ? 0.02 : 0.05;
    if (with.tolerate) how.tolerable = *with.tolerate == "all" ? 0 : positive("--tolerate", *with.tolerate);
    return how;
}

/// The fitted hardware as a file, with how it was found. What is known of the cluster stays as it was.
std::string file_of(const calibration& found, const calibrate_arguments& with, fitted_hardware known,
                    std::size_t rows) {
    known.numbers = found.fitted;
    nlohmann::json out = hardware_json(known);
    out["fit"] = json_of(found);
    out["fit"]["rows"] = rows;
    out["fit"]["file"] = with.file;
    return out.dump(2) + '\n';
}

struct tested {
    measured_file of;
    hardware on;
    std::unique_ptr<predictor> by;
    std::vector<double> errors;
};

/// On other hardware than the fitted rows name, what was fitted is carried over where both are known.
tested test(const calibrate_arguments& with, const hardware& fitted, const std::string& named) {
    tested out{load_measurements(*with.test, reading(with, "--test-tokens", with.test_tokens)), fitted, nullptr, {}};
    const hardware *from = find_hardware(named), *to = find_hardware(out.of.hardware);
    if (from != nullptr && to != nullptr && from != to && !with.hardware) out.on = carried(fitted, *from, *to);
    out.by = std::make_unique<predictor>(out.of.models, out.of.rows);
    for (std::size_t i = 0; i < out.of.rows.size(); ++i) out.errors.push_back(out.by->error(i, out.on));
    return out;
}

void report_text(const calibrate_arguments& with, const calibration& found, const predicted_rows& rows) {
    std::string out = text_of(found, with.file, rows.of.rows.size()) + text_of(rows);
    if (with.test) {
        const tested other = test(with, found.fitted, rows.of.hardware);
        out += '\n' + *with.test + ": " + std::to_string(other.errors.size()) + " rows, nothing fitted to them" +
               (other.on == found.fitted ? "" : ", carried over to " + other.of.hardware) +
               "\nerrors: " + text_of(sum_up(other.errors)) + '\n' +
               text_of(predicted_rows{other.of, *other.by, other.on, other.errors, none});
    }
    write_output(out);
}

void report_json(const calibrate_arguments& with, const calibration& found, const predicted_rows& rows) {
    nlohmann::json out{{"format", "chimera.calibration"}, {"version", 1}};
    out.update(json_of(found));
    out["hardware"] = hardware_json(found.fitted);
    out["rows"] = json_of(rows);
    if (with.test) {
        const tested other = test(with, found.fitted, rows.of.hardware);
        out["test"] = {{"errors", json_of(sum_up(other.errors))},
                       {"rows", json_of(predicted_rows{other.of, *other.by, other.on, other.errors, none})}};
    }
    write_output(out.dump(2) + '\n');
}

void run_calibrate(const calibrate_arguments& with) {
    if (with.format != "text" && with.format != "json")
        refuse("--format is \"" + with.format.substr(0, 40) + "\" (unknown here) use text or json");
    std::error_code unknown;
    if (with.out && std::filesystem::equivalent(*with.out, with.file, unknown))
        refuse("-o is " + with.file + " (the measurements themselves, which would be lost) name another file");
    const measured_file measured = load_measurements(with.file, reading(with, "--tokens", with.tokens));
    const fitted_hardware known = base_of(with, measured);
    hardware base = known.numbers;
    std::vector<const hardware_number*> numbers =
        numbers_named(with.fit                                         ? *with.fit
                      : measured.layout == measurement_layout::schemes ? of_schemes
                                                                       : of_iterations);
    for (const std::string& one : with.fixed) {
        const hardware_number* number = fix(base, one);
        const auto at = std::find(numbers.begin(), numbers.end(), number);
        if (at == numbers.end()) continue;
        if (with.fit)
            refuse(std::string(number->name) + " is named by --fit and by --fix (it is fitted or fixed) choose one");
        numbers.erase(at);
    }
    predictor by(measured.models, measured.rows);
    calibration found;
    try {
        found = calibrate(by, base, numbers, options_of(with, measured));
    } catch (const chimera_error& e) {
        refuse(with.file + ": " + e.what());
    }
    if (with.out) write_file(*with.out, file_of(found, with, known, measured.rows.size()));
    const predicted_rows rows{measured, by, found.fitted, found.errors, found.held_out};
    with.format == "json" ? report_json(with, found, rows) : report_text(with, found, rows);
}

}  // namespace

void add_calibrate(command_line& program, int&) {
    subcommand command = program.add("calibrate", "fits what a hardware does from measured iterations");
    const auto with = std::make_shared<calibrate_arguments>();
    command.option("file", with->file, "measurements under a header line", "FILE.csv", true);
    command.option("--test", with->test, "measurements to predict with nothing fitted to them", "OTHER.csv");
    command.option("--fit", with->fit, "numbers to fit, separated by commas (by the file's layout)", "NAME,NAME…");
    command.option("--fix", with->fixed, "a number that is known; may be given again", "NAME=VALUE");
    command.option("--hardware", with->hardware,
                   "what is known: a name of chimera hardware, or a chimera.hardware file", "NAME|FILE");
    command.option("--tokens", with->tokens, "per sample, in place of the model's own", "T");
    command.option("--test-tokens", with->test_tokens, "the same for the rows of --test", "T");
    command.option("--workers-per-node", with->per_node, "in place of what the rows imply", "K");
    command.option("--folds", with->folds, "parts left out in turn (every row, or 5 of more than 200)", "K");
    command.option("--tolerate", with->tolerate, "error beyond which a row weighs less, or all: none does", "PART|all");
    command.option("--format", with->format, "of the report (text)", "text|json");
    command.option("-o,--output", with->out, "writes the fitted chimera.hardware there", "FILE");
    command.writes("--output");
    command.footer("Example: chimera calibrate runs.csv --fit flops,launch,step_overhead -o hardware.json");
    command.run([with] { run_calibrate(*with); });
}

}  // namespace chimera::executor
