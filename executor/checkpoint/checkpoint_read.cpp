// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/checkpoint/checkpoint.hpp>
#include <executor/io/checksum.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/files.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

namespace chimera::executor {

namespace {

constexpr std::size_t largest_header = 64 << 20;

[[noreturn]] void damaged(const std::string& name, const std::string& why) {
    refuse("checkpoint " + name + " cannot be used (" + why + ") take another checkpoint or start anew");
}

template <class Number>
Number metadata_number(const nlohmann::json& metadata, const char* key, const std::string& name, int base = 10) {
    const auto text = metadata.value(key, std::string());
    Number number{};
    std::from_chars_result read{};
    if constexpr (std::is_floating_point_v<Number>)
        read = std::from_chars(text.data(), text.data() + text.size(), number);
    else
        read = std::from_chars(text.data(), text.data() + text.size(), number, base);
    // Not below zero and not NaN, said so that it also suits unsigned numbers.
    const bool sound = number == Number{} || number > Number{};
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() || !sound)
        damaged(name, std::string("its ") + key + " is not a number");
    return number;
}

checkpoint_info parse_info(const nlohmann::json& metadata, const std::string& name) {
    if (!metadata.is_object()) damaged(name, "it has no metadata: not a checkpoint of chimera");
    for (const auto& [key, value] : metadata.items())
        if (!value.is_string()) damaged(name, "metadata " + one_line(key) + " is not a text");
    if (metadata.value("format", "") != "chimera.checkpoint") damaged(name, "not a checkpoint of chimera");
    if (metadata.value("version", "") != "1")
        damaged(name, "format version " + one_line(metadata.value("version", "")) + ", it must be 1");
    checkpoint_info info;
    info.step = metadata_number<std::int64_t>(metadata, "step", name);
    info.steps = metadata_number<std::int64_t>(metadata, "steps", name);
    info.first_loss = metadata_number<double>(metadata, "first_loss", name);
    info.data.epoch = metadata_number<std::uint64_t>(metadata, "data.epoch", name);
    info.data.cursor = metadata_number<std::uint64_t>(metadata, "data.cursor", name);
    info.data.random = metadata_number<std::uint64_t>(metadata, "random.state", name, 16);
    info.model = metadata.value("model", "");
    info.job = metadata.value("job", "");
    info.settings = metadata.value("settings", "");
    return info;
}

std::vector<std::int64_t> integers(const nlohmann::json& value, const std::string& name, const std::string& tensor) {
    std::vector<std::int64_t> all;
    if (!value.is_array() || value.size() > 8) damaged(name, "tensor " + tensor + " has no proper shape or offsets");
    for (const auto& each : value) {
        if (!each.is_number_unsigned() || each.get<std::uint64_t>() >> 62)
            damaged(name, "tensor " + tensor + " has a wrong size");
        all.push_back(each.get<std::int64_t>());
    }
    return all;
}

stored_tensor parse_tensor(const std::string& key, const nlohmann::json& value, const std::string& name) {
    const auto tensor = one_line(key);
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets"))
        damaged(name, "tensor " + tensor + " is not described by dtype, shape and data_offsets");
    if (value["dtype"] != "F32") damaged(name, "tensor " + tensor + " is not of dtype F32");
    const auto offsets = integers(value["data_offsets"], name, tensor);
    if (offsets.size() != 2 || offsets[0] > offsets[1]) damaged(name, "tensor " + tensor + " has wrong offsets");
    stored_tensor made{key, integers(value["shape"], name, tensor), static_cast<std::size_t>(offsets[0]),
                       static_cast<std::size_t>(offsets[1])};
    if (made.end - made.begin != detail::element_count(made.shape, tensor) * sizeof(float))
        damaged(name, "tensor " + tensor + " has a shape that does not match its bytes");
    return made;
}

std::string shape_text(std::span<const std::int64_t> shape) {
    std::string text;
    for (const auto size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
    return text.empty() ? "one number" : text;
}

}  // namespace

checkpoint_header parse_checkpoint_header(std::string_view header, std::size_t data_bytes, const std::string& name) {
    const auto json = parse_json(header, "the header of checkpoint " + name);
    if (!json.is_object()) damaged(name, "its header is not an object");
    checkpoint_header made;
    made.info = parse_info(json.value("__metadata__", nlohmann::json()), name);
    for (const auto& [key, value] : json.items())
        if (key != "__metadata__") made.tensors.push_back(parse_tensor(key, value, name));
    std::sort(made.tensors.begin(), made.tensors.end(),
              [](const auto& a, const auto& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    std::size_t at = 0;
    for (const auto& tensor : made.tensors) {
        if (tensor.begin != at) damaged(name, "tensor " + one_line(tensor.name) + " leaves a gap or overlaps another");
        at = tensor.end;
    }
    if (at != data_bytes)
        damaged(name, "its tensors take " + std::to_string(at) + " bytes, but " + std::to_string(data_bytes) +
                          " follow the header");
    return made;
}

checkpoint_header open_checkpoint(const std::filesystem::path& path) {
    const auto name = shown(path);
    const auto file = open_file(path);
    const auto size = size_of(file, path);
    std::uint64_t length = 0;
    if (size < sizeof length) damaged(name, "it has " + std::to_string(size) + " bytes: truncated");
    read_at(file, 0, std::as_writable_bytes(std::span(&length, 1)), path);
    if (length > size - sizeof length || length > largest_header)
        damaged(name, "its header should take " + std::to_string(length) + " bytes of " + std::to_string(size));
    std::string header(length, '\0');
    read_at(file, sizeof length, std::as_writable_bytes(std::span(header)), path);

    const auto at = detail::checksum_position(header);
    if (at == header.npos) damaged(name, "it has no checksum: damaged, or not a checkpoint of chimera");
    std::string blank = header;
    blank.replace(at, 16, 16, '0');
    checksum sum;
    sum.add(std::as_bytes(std::span(&length, 1)));
    sum.add(blank);
    std::vector<std::byte> piece(1 << 20);
    for (std::size_t from = sizeof length + length; from < size; from += piece.size()) {
        const auto part = std::span(piece).first(std::min(piece.size(), size - from));
        read_at(file, from, part, path);
        sum.add(part);
    }
    if (header.substr(at, 16) != hex(sum.value())) damaged(name, "its checksum is wrong: damaged");
    return parse_checkpoint_header(header, size - sizeof length - length, name);
}

void load_checkpoint(const std::filesystem::path& path, const checkpoint_header& header,
                     std::span<const named_tensor> tensors, bool all) {
    const auto name = shown(path);
    const auto other = [&](const std::string& why) {
        refuse("checkpoint " + name + " is of another model (" + why + ") resume with the job that wrote it");
    };
    std::map<std::string_view, const stored_tensor*> stored;
    for (const auto& tensor : header.tensors) stored[tensor.name] = &tensor;
    for (const auto& tensor : tensors) {
        const auto at = stored.find(tensor.name);
        if (at == stored.end()) other("it has no tensor " + tensor.name);
        if (at->second->shape != tensor.shape)
            other("tensor " + tensor.name + " is " + shape_text(at->second->shape) + " there, " +
                  shape_text(tensor.shape) + " here");
    }
    if (all && stored.size() != tensors.size())
        other("it has " + std::to_string(stored.size()) + " tensors, the model " + std::to_string(tensors.size()));
    const auto file = open_file(path);
    std::uint64_t length = 0;
    read_at(file, 0, std::as_writable_bytes(std::span(&length, 1)), path);
    for (const auto& tensor : tensors)
        read_at(file, sizeof length + length + stored[tensor.name]->begin, std::as_writable_bytes(tensor.values), path);
}

}  // namespace chimera::executor
