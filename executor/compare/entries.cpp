// SPDX-License-Identifier: Apache-2.0
#include <executor/compare/entries.hpp>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <type_traits>

namespace chimera::executor {

namespace {

/// Forms of families that are compared beside the plain ones where none is asked for.
constexpr const char* usual_variants[] = {"bidirectional --split", "bidirectional --scale doubling",
                                          "bidirectional --scale halving", "wave --waves 2"};
constexpr std::size_t entries_most = 10000;

std::string quoted(const std::string& text) { return "'" + text.substr(0, 60) + "'"; }

std::vector<std::string> split(const std::string& text, char by) {
    std::vector<std::string> out;
    std::istringstream from(text);
    for (std::string part; std::getline(from, part, by);) out.push_back(part);
    if (text.empty() || text.back() == by) out.emplace_back();
    return out;
}

/// A flag and its value, `--chunks 4` or `--chunks=4`; flags of yes and no have no value.
class entry_reader {
public:
    explicit entry_reader(const std::string& words) : words_(words) {
        std::istringstream from(words);
        for (std::string word; from >> word;) {
            const std::size_t equals = word.find('=');
            parts_.push_back(word.substr(0, equals));
            if (equals != std::string::npos) parts_.push_back(word.substr(equals + 1));
        }
    }

    std::vector<family_options> read() {
        if (parts_.empty() || !find_family(parts_[0]))
            refuse(quoted(words_) + " cannot be compared (known are " + family_list() +
                   ", with their options) give some of these");
        family_options plain;
        plain.which = family_named(parts_[0]);
        std::vector<family_options> out{plain};
        for (at_ = 1; at_ < parts_.size(); ++at_) take_option(out);
        return out;
    }

private:
    const std::string& value() {
        if (++at_ >= parts_.size())
            refuse(quoted(words_) + " cannot be compared (" + parts_.back() + " has no value) give one");
        return parts_[at_];
    }

    void take_option(std::vector<family_options>& all) {
        const std::string flag = parts_[at_];
        if (flag == "--recompute") return set_recompute(all, value());
        bool known = false;
        const auto take = [&](const family_option& option, auto& first) {
            if (flag != flag_of(option)) return;
            known = true;
            check_option(all.front().which, option);
            using type = std::remove_cvref_t<decltype(first)>;
            set<type>(all, option, option.kind == option_kind::flag ? "" : value());
        };
        each_option(take, all.front());
        if (!known)
            refuse(quoted(words_) + " cannot be compared (" + flag.substr(0, 40) +
                   " is no option of it) see chimera schedule --help");
    }

    void set_recompute(std::vector<family_options>& all, const std::string& text) const {
        if (text != "none" && text != "full")
            refuse(quoted(words_) +
                   " cannot be compared (stages differ between families) give --recompute none or full");
        for (family_options& each : all) each.recompute = recompute_named(text, 1);
    }

    /// Gives every entry so far every value of the list.
    template <class Value>
    void set(std::vector<family_options>& all, const family_option& option, const std::string& text) const {
        std::vector<int> values{1};
        if (option.kind == option_kind::number) values = numbers_of(flag_of(option), text, option.most);
        if (option.kind == option_kind::choice) {
            values.clear();
            for (const std::string& label : split(text, ',')) values.push_back(value_of_label(option, label));
        }
        if (all.size() * values.size() > entries_most)
            refuse(quoted(words_) + " stands for more than 10000 entries (each has a row) list fewer values");
        std::vector<family_options> out;
        for (const family_options& each : all)
            for (const int value : values) {
                out.push_back(each);
                each_option(
                    [&](const family_option& row, auto& member) {
                        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, Value>)
                            if (row.key == option.key) member = static_cast<Value>(value);
                    },
                    out.back());
            }
        all = std::move(out);
    }

    const std::string& words_;
    std::vector<std::string> parts_;
    std::size_t at_ = 0;
};

/// Writes the options that differ from the family's own.
std::string name_of(const family_options& of) {
    std::string out(chimera::name(of.which));
    family_options plain;
    plain.which = of.which;
    const auto say = [&](const family_option& option, const auto& mine, const auto& own) {
        if (mine == own) return;
        out += ' ' + flag_of(option);
        if (option.kind == option_kind::choice) out += ' ' + std::string(option.labels[static_cast<std::size_t>(mine)]);
        if (option.kind == option_kind::number) out += ' ' + std::to_string(static_cast<int>(mine));
    };
    each_option(say, of, plain);
    if (of.recompute.mode != recompute_mode::none) out += " --recompute " + text_of(of.recompute);
    return out;
}

void add(std::vector<entry>& to, const family_options& one) {
    std::string name = name_of(one);
    if (std::none_of(to.begin(), to.end(), [&](const entry& e) { return e.name == name; }))
        to.push_back({std::move(name), one});
}

}  // namespace

std::vector<int> numbers_of(const std::string& option, const std::string& text, std::int64_t most) {
    std::vector<int> out;
    for (const std::string& part : split(text, ',')) {
        int value = 0;
        const char* const end = part.data() + part.size();
        const auto [stop, code] = std::from_chars(part.data(), end, value);
        if (code != std::errc{} || stop != end || value < 1 || value > most)
            refuse(option + " is '" + text.substr(0, 40) + "' (no list of whole numbers from 1 to " +
                   std::to_string(most) + ") give one such as 2 or 2,4");
        out.push_back(value);
    }
    return out;
}

std::vector<entry> entries_of(const std::vector<std::string>& words, const std::vector<int>& chunks) {
    std::vector<family_options> all;
    const auto take = [&](const std::string& text) {
        for (const family_options& each : entry_reader(text).read()) {
            if (chunks.empty() || !has_option(each.which, "chunks") || each.chunks != 0) {
                all.push_back(each);
                continue;
            }
            for (const int c : chunks) all.push_back(each), all.back().chunks = c;
        }
    };
    for (const std::string& text : words) take(text);
    if (words.empty()) {
        for (const std::string_view family : family_names()) take(std::string(family));
        for (const char* text : usual_variants) take(text);
    }
    std::vector<entry> out;
    for (const family_options& each : all) add(out, each);
    return out;
}

}  // namespace chimera::executor
