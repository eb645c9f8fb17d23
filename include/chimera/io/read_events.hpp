// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/refusal.hpp>
#include <chimera/io/table_events.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace chimera::detail::reading {

struct header_facts {
    std::string_view name;
    std::int64_t least;
    std::int64_t most;
    std::int32_t shape::*to;
};

inline constexpr std::array<header_facts, 6> sizes{{{"workers", 1, 65536, &shape::workers},
                                                    {"stages", 1, 65535, &shape::stages},
                                                    {"pipelines", 1, 65535, &shape::pipelines},
                                                    {"micro_batches", 1, most_slots, &shape::micro_batches},
                                                    {"micro_batch_parts", 1, 127, &shape::micro_batch_parts},
                                                    {"update_every", 1, most_slots, &shape::update_every}}};

inline constexpr std::array<std::string_view, 15> top_keys{
    "format",       "version",   "family",        "workers",
    "stages",       "pipelines", "micro_batches", "micro_batch_parts",
    "placement",    "slots",     "instructions",  "update",
    "update_every", "skips",     "tied"};

inline std::string range(std::int64_t least, std::int64_t most) {
    return "give a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

inline std::string in_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, 40)) out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
    return out + (text.size() > 40 ? "…'" : "'");
}

inline std::string table_events::place() const {
    if ((at_ == at::placement || at_ == at::placement_row) && key_ != "placement") return "key " + key_ + ": ";
    if (at_ == at::placement || at_ == at::placement_row)
        return "placement, pipeline " + std::to_string(placement.size() - (at_ == at::placement_row)) + ": ";
    if (at_ != at::row && at_ != at::item && at_ != at::item_list) return key_.empty() ? "" : "key " + key_ + ": ";
    const std::string what = section == "slots" ? ", slot " : ", instruction ";
    return "worker " + std::to_string(offsets.size() - 1) + what + std::to_string(items_ - offsets.back()) + ": ";
}

inline void table_events::complain(const std::string& what) const { refuse(place() + what); }

inline std::string table_events::expected() const {
    switch (at_) {
        case at::start:
            return "a JSON object";
        case at::top:
            return key_ == "format" || key_ == "family" || key_ == "update"       ? "a string"
                   : lists_numbers() || key_ == "slots" || key_ == "instructions" ? "a list"
                                                                                  : "a whole number";
        case at::placement:
            return key_ == "placement" ? "a list of workers for each pipeline" : "a pair of stages";
        case at::placement_row:
            return key_ == "placement" ? "a worker's number" : "a stage's number";
        case at::rows:
            return "a list for each worker";
        case at::row:
            return "an object";
        case at::item_list:
            return "a whole number";
        case at::item:
            return field_ == field::op        ? "a string"
                   : field_ == field::overlap ? "true or false"
                   : field_ >= field::buffers ? "a list of whole numbers"
                                              : "a whole number";
        case at::end:
            break;
    }
    return "nothing more";
}

inline void table_events::unexpected(const std::string& got) const {
    const std::string of = at_ == at::item || at_ == at::item_list
                               ? std::string(fields[static_cast<std::size_t>(field_)].name) + " is "
                               : "found ";
    complain(of + got + " (" + expected() + " belongs here) correct the file");
}

inline bool table_events::null() { unexpected("null"); }

inline bool table_events::boolean(bool value) {
    if (at_ != at::item || field_ != field::overlap) unexpected(value ? "true" : "false");
    item_.overlap = value;
    return true;
}

inline bool table_events::number_integer(std::int64_t value) {
    integer(value);
    return true;
}

inline bool table_events::number_unsigned(std::uint64_t value) {
    integer(static_cast<std::int64_t>((std::min<std::uint64_t>)(value, (std::numeric_limits<std::int64_t>::max)())));
    return true;
}

inline bool table_events::number_float(double, const std::string& text) { unexpected("the number " + in_quotes(text)); }

inline void table_events::header(std::int64_t value) {
    if (key_ == "version") {
        if (value != 1)
            complain("version " + std::to_string(value) +
                     " is unknown (this program reads version 1) convert the file");
        return;
    }
    for (const header_facts& f : sizes) {
        if (key_ != f.name) continue;
        if (value < f.least || value > f.most)
            complain(std::to_string(value) + " is out of range (sizes are limited) " + range(f.least, f.most));
        head.*f.to = static_cast<std::int32_t>(value);
        return;
    }
    unexpected("a number");
}

inline void table_events::integer(std::int64_t value) {
    const auto number = std::to_string(value);
    if (at_ == at::top) return header(value);
    if (at_ == at::placement_row) {
        if (value < 0 || value > 65535)
            complain(number + " is no " + (key_ == "placement" ? "worker" : "stage") + " (of the file's) " +
                     range(0, 65535));
        lists().back().push_back(static_cast<std::int32_t>(value));
        return;
    }
    const field_facts& f = fields[static_cast<std::size_t>(field_)];
    const bool listed = at_ == at::item_list;
    if (!listed && (at_ != at::item || field_ >= field::op)) unexpected("the number " + number);
    if (value < f.least || value > f.most)
        complain(std::string(f.name) + " is " + number + " (out of range) " + range(f.least, f.most));
    if (!listed) {
        item_.values[static_cast<std::size_t>(field_)] = static_cast<std::int32_t>(value);
        return;
    }
    auto& list = field_ == field::buffers ? item_.buffers : item_.members;
    if (list.size() >= 65536)
        complain(std::string(f.name) + " is too long (no list has more than 65536 numbers) shorten it");
    list.push_back(static_cast<std::int32_t>(value));
}

inline bool table_events::string(std::string& value) {
    if (at_ == at::item && field_ == field::op) {
        item_.op = value;
        return true;
    }
    if (at_ != at::top || (key_ != "format" && key_ != "family" && key_ != "update"))
        unexpected("the text " + in_quotes(value));
    if (key_ == "update") {
        for (const update_rule rule : {update_rule::flushed, update_rule::stashed, update_rule::double_buffered}) {
            head.update = rule;
            if (value == name(rule)) return true;
        }
        complain(in_quotes(value) +
                 " is unknown (weights change in three ways) give flushed, stashed or double_buffered");
    }
    if (key_ == "format") {
        if (value != "chimera.schedule" && value != "chimera.program") {
            complain(in_quotes(value) +
                     " is unknown (a schedule or a program is needed) give chimera.schedule or chimera.program");
        }
        format = value;
        return true;
    }
    const bool printable = std::none_of(value.begin(), value.end(),
                                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (value.size() > 31 || !printable)
        complain(in_quotes(value) + " is no family's name (up to 31 printable characters) shorten it");
    head.family = label(value);
    return true;
}

inline bool table_events::binary(std::vector<std::uint8_t>&) { unexpected("binary data"); }

inline bool table_events::start_object(std::size_t) {
    if (at_ == at::start) {
        at_ = at::top;
    } else if (at_ == at::row) {
        if (items_ >= most_slots) complain("too many (the limit is " + std::to_string(most_slots) + ") split the file");
        at_ = at::item;
        item_.present = 0;
        item_.overlap = false;
        item_.buffers.clear();
        item_.members.clear();
    } else {
        unexpected("an object");
    }
    return true;
}

inline bool table_events::key(std::string& name) {
    if (at_ == at::top) {
        const auto* known = std::find(top_keys.begin(), top_keys.end(), name);
        if (known == top_keys.end())
            refuse("key " + in_quotes(name) + " is unknown (to version 1 of the format) remove it");
        const auto bit = 1U << (known - top_keys.begin());
        if ((seen_ & bit) != 0) refuse("key " + in_quotes(name) + " comes twice (each has one value) remove one");
        seen_ |= bit;
        key_ = name;
        return true;
    }
    for (std::size_t f = 0; f < fields.size(); ++f) {
        if (fields[f].name != name) continue;
        if ((item_.present >> f & 1U) != 0)
            complain("key " + in_quotes(name) + " comes twice (each has one value) remove one");
        item_.present |= 1U << f;
        field_ = static_cast<field>(f);
        return true;
    }
    complain("key " + in_quotes(name) + " is unknown (to version 1 of the format) remove it");
}

inline bool table_events::end_object() {
    if (at_ == at::item) {
        take(item_);
        ++items_;
        at_ = at::row;
    } else {
        at_ = at::end;
        key_.clear();
    }
    return true;
}

inline bool table_events::start_array(std::size_t) {
    if (at_ == at::top && lists_numbers()) {
        at_ = at::placement;
    } else if (at_ == at::top && (key_ == "slots" || key_ == "instructions")) {
        if (!section.empty()) complain("the file has slots and instructions (it is either) remove one");
        section = key_;
        at_ = at::rows;
    } else if (at_ == at::placement) {
        if (lists().size() >= 65535)
            complain(key_ == "placement" ? "too many pipelines (the limit is 65535) split the file"
                                         : "too many links (the limit is 65535) use fewer");
        lists().emplace_back();
        at_ = at::placement_row;
    } else if (at_ == at::rows) {
        if (offsets.size() >= 65536) complain("too many workers (the limit is 65536) split the file");
        offsets.push_back(items_);
        at_ = at::row;
    } else if (at_ == at::item && field_ >= field::buffers) {
        at_ = at::item_list;
    } else {
        unexpected("a list");
    }
    return true;
}

inline bool table_events::end_array() {
    switch (at_) {
        case at::placement_row:
            at_ = at::placement;
            break;
        case at::row:
            at_ = at::rows;
            break;
        case at::item_list:
            at_ = at::item;
            break;
        case at::rows:
            offsets.push_back(items_);
            [[fallthrough]];
        default:
            at_ = at::top;
    }
    return true;
}

inline bool table_events::parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    refuse(place() + "no valid JSON at byte " + std::to_string(position) +
           " (the file is damaged, cut short or something else) write it again");
}

inline void table_events::finish() const {
    for (std::size_t k = 0; k < top_keys.size(); ++k) {
        if ((seen_ >> k & 1U) == 0 && k < 9)
            refuse("key " + in_quotes(top_keys[k]) + " is missing (the format has it) add it");
    }
    if (head.update == update_rule::flushed && head.update_every > 0)
        refuse(
            "key 'update_every' does not apply (weights change once, after all micro-batches) remove it or give "
            "update");
    if (head.update != update_rule::flushed && head.update_every == 0)
        refuse("key 'update_every' is missing (update is " + std::string(name(head.update)) +
               ") give the micro-batches between updates");
    const std::string_view needed = format == "chimera.schedule" ? "slots" : "instructions";
    if (section != needed) refuse("key " + in_quotes(needed) + " is missing (" + format + " has it) add it");
}

}  // namespace chimera::detail::reading
