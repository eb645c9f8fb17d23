// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/json_tree.hpp>

#include <string>
#include <utility>
#include <vector>

namespace chimera::executor::detail {

namespace {

/// Puts a value together from the parser's events.
class tree_builder {
public:
    using json = nlohmann::json;
    using event = json::parse_event_t;

    explicit tree_builder(const json_watch& watch) : watch_(watch) {}

    json take() { return std::move(root_); }

    bool null() { return add(nullptr); }
    bool boolean(bool value) { return add(value); }
    bool number_integer(std::int64_t value) { return add(value); }
    bool number_unsigned(std::uint64_t value) { return add(value); }
    bool number_float(double value, const std::string&) { return add(value); }
    bool string(std::string& value) { return add(std::move(value)); }
    bool binary(json::binary_t& value) { return add(std::move(value)); }
    bool start_object(std::size_t) { return open(event::object_start, json::object()); }
    bool start_array(std::size_t) { return open(event::array_start, json::array()); }
    bool end_object() { return close(event::object_end); }
    bool end_array() { return close(event::array_end); }
    bool key(std::string& name) {
        json shown_key(name);
        tell(event::key, shown_key);
        const auto [at, fresh] = open_.back()->get_ref<json::object_t&>().try_emplace(name);
        if (!fresh) refuse("key " + shown(shown_key) + " is given twice (only one can hold) keep one of them");
        member_ = &at->second;
        return true;
    }
    template <class Error>
    bool parse_error(std::size_t, const std::string&, const Error& why) {
        throw why;
    }

private:
    void tell(event what, json& value) {
        if (watch_) watch_(static_cast<int>(open_.size()), what, value);
    }
    json& place(json value) {
        if (open_.empty()) return root_ = std::move(value);
        if (!open_.back()->is_array()) return *member_ = std::move(value);
        open_.back()->push_back(std::move(value));
        return open_.back()->back();
    }
    bool add(json value) {
        tell(event::value, place(std::move(value)));
        return true;
    }
    bool open(event what, json value) {
        tell(what, value);
        open_.push_back(&place(std::move(value)));
        return true;
    }
    bool close(event what) {
        json* const whole = open_.back();
        open_.pop_back();
        tell(what, *whole);
        return true;
    }

    const json_watch& watch_;
    json root_;
    std::vector<json*> open_;  // the lists and objects around the next value
    json* member_ = nullptr;   // where the value of the last key goes
};

}  // namespace

nlohmann::json parse_tree(std::string_view text, const json_watch& watch) {
    using nlohmann::json;
    if (const auto at = text.find('\0'); at != text.npos)
        throw json::parse_error::create(101, at + 1, "parse error: a NUL byte", nullptr);
    tree_builder builder(watch);
    json::sax_parse(text.begin(), text.end(), &builder);
    return builder.take();
}

}  // namespace chimera::executor::detail
