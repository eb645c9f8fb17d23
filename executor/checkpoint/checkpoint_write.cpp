// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/checkpoint/checkpoint.hpp>
#include <executor/io/checksum.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/files.hpp>

#include <array>
#include <cstring>

namespace chimera::executor {

namespace {

constexpr std::string_view no_checksum = "0000000000000000";

std::string exact(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", value);
    return text;
}

nlohmann::ordered_json describe(const checkpoint_info& info) {
    return {{"format", "chimera.checkpoint"},
            {"version", "1"},
            {"checksum", no_checksum},
            {"step", std::to_string(info.step)},
            {"steps", std::to_string(info.steps)},
            {"first_loss", exact(info.first_loss)},
            {"data.epoch", std::to_string(info.data.epoch)},
            {"data.cursor", std::to_string(info.data.cursor)},
            {"random.state", hex(info.data.random)},
            {"model", info.model},
            {"job", info.job},
            {"settings", info.settings}};
}

std::string make_header(const checkpoint_info& info, std::span<const named_tensor> tensors) {
    // Put together as text: an ordered object looks through all of its keys for each.
    std::string text = "{\"__metadata__\":" + describe(info).dump();
    std::set<std::string_view> names{"__metadata__"};
    std::size_t at = 0;
    for (const auto& tensor : tensors) {
        const std::size_t end = at + tensor.values.size_bytes();
        if (!names.insert(tensor.name).second ||
            detail::element_count(tensor.shape, tensor.name) != tensor.values.size())
            refuse("tensor " + tensor.name +
                   " cannot be stored (its name is taken or its shape is not its size) name each once");
        const nlohmann::ordered_json entry{{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
        text += ',' + nlohmann::json(tensor.name).dump() + ':' + entry.dump();
        at = end;
    }
    text += '}';
    text.append((8 - text.size() % 8) % 8, ' ');  // the data then start at a multiple of eight
    return text;
}

}  // namespace

std::size_t detail::checksum_position(std::string_view header) {
    constexpr std::string_view key = "\"checksum\":\"";
    const auto at = header.find(key);
    return at == header.npos || at + key.size() + no_checksum.size() > header.size() ? header.npos : at + key.size();
}

std::size_t detail::element_count(std::span<const std::int64_t> shape, const std::string& name) {
    std::size_t count = 1;
    for (const std::int64_t size : shape)
        if (size < 0 || __builtin_mul_overflow(count, static_cast<std::size_t>(size), &count) ||
            count > (std::size_t{1} << 60))
            refuse("tensor " + name + " has an impossible shape (size " + std::to_string(size) +
                   ") write the file again");
    return count;
}

void write_checkpoint(const std::filesystem::path& path, const checkpoint_info& info,
                      std::span<const named_tensor> tensors) {
    std::string header = make_header(info, tensors);
    std::array<std::byte, 8> length;
    const std::uint64_t size = header.size();
    std::memcpy(length.data(), &size, sizeof size);

    checksum sum;
    sum.add(length);
    sum.add(header);
    for (const auto& tensor : tensors) sum.add(std::as_bytes(tensor.values));
    header.replace(detail::checksum_position(header), no_checksum.size(), hex(sum.value()));

    atomic_file file(path);
    file.append(length);
    file.append(header);
    for (const auto& tensor : tensors) file.append(std::as_bytes(tensor.values));
    file.commit();
}

}  // namespace chimera::executor
