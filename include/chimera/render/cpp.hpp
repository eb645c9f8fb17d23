// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/program/program.hpp>
#include <chimera/program/program_checksum.hpp>
#include <chimera/render/format.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace chimera {

/// The most instructions of a header whose laws its compilation proves; see `cpp`.
inline constexpr std::size_t cpp_proven_instructions = 1024;

namespace detail {

constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Refuses names that no namespace can have. The words are those of C++20 that letters and digits could spell.
inline void check_identifier(std::string_view name) {
    constexpr std::string_view words =
        " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class "
        "compl concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype "
        "default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline "
        "int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
        "register reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch "
        "template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile "
        "wchar_t while xor xor_eq chimera std ";
    bool fits = !name.empty() && is_letter(name[0]) && name[0] != '_' && name.size() <= 200;
    for (std::size_t i = 0; i < name.size(); ++i)
        fits = fits && (is_letter(name[i]) || is_digit(name[i])) && name.substr(i, 2) != "__";
    if (!fits || words.find(' ' + std::string(name) + ' ') != std::string_view::npos)
        refuse("'" + format::visible(name) +
               "' cannot name a table (C++ takes letters, digits and single underscores, a letter first, no word of "
               "its own) choose a name such as my_table");
}

inline void put_cpp_list(std::string& out, std::string_view name, std::span<const std::int32_t> values) {
    format::put(out, "inline constexpr std::array<std::int32_t, ", values.size(), "> ", name, "{");
    for (std::size_t i = 0; i < values.size(); ++i)
        format::put(out, i == 0 ? "" : i % 24 == 0 ? ",\n    " : ", ", values[i]);
    format::put(out, "};\n");
}

/// One instruction; the last fields are left out where they are -1.
inline void put_cpp_instruction(std::string& out, const instruction& i) {
    format::put(out, "    {op::", name(i.op), ", ", static_cast<int>(i.count), ", ", static_cast<int>(i.overlap), ", ",
                i.pipeline);
    format::put(out, ", ", i.stage, ", ", static_cast<int>(i.inputs), ", ", static_cast<int>(i.version));
    const std::array<std::int32_t, 6> rest{i.first, i.peer, i.buffer, i.group, i.message, i.list};
    std::size_t kept = rest.size();
    while (kept > 0 && rest[kept - 1] == -1) --kept;
    for (std::size_t k = 0; k < kept; ++k) format::put(out, ", ", rest[k]);
    format::put(out, "},\n");
}

inline void put_cpp_shape(std::string& out, const shape& head) {
    format::put(out, "inline constexpr chimera::shape sizes{.family = chimera::label(");
    format::put_quoted(out, head.family.view());
    format::put(out, "),\n    .workers = ", head.workers, ", .stages = ", head.stages,
                ", .pipelines = ", head.pipelines);
    format::put(out, ", .micro_batches = ", head.micro_batches, ",\n    .micro_batch_parts = ", head.micro_batch_parts);
    format::put(out, ", .update = chimera::update_rule::", name(head.update));
    format::put(out, ", .update_every = ", head.update_every, "};\n");
}

inline void put_cpp_links(std::string& out, std::span<const stage_link> links) {
    if (links.empty()) return;
    format::put(out, "inline constexpr chimera::stage_link links[]{\n");
    for (const stage_link& l : links)
        format::put(out, "    {chimera::link_kind::", l.kind == link_kind::tied ? "tied" : "skip", ", ", l.from, ", ",
                    l.to, "},\n");
    format::put(out, "};\n");
}

inline void put_cpp_number(std::string& out, std::uint64_t value) {
    out += "0x";
    for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[value >> shift & 15]);
}

/// A check a worker: compilers bound the steps of each, and a table may have any number of them.
inline void put_cpp_checks(std::string& out, program_view of) {
    if (of.instructions.size() <= cpp_proven_instructions)
        format::put(out, "static_assert(chimera::verify(table).ok(), \"the table breaks a law\");\n");
    format::put(out, "static_assert(chimera::checksum_of_lists(table) == ");
    put_cpp_number(out, checksum_of_lists(of));
    format::put(out, ", \"a list was edited\");\n");
    for (std::int32_t w = 0; w < of.head.workers; ++w) {
        format::put(out, "static_assert(chimera::checksum(table.row(", w, ")) == ");
        put_cpp_number(out, checksum(of.row(w)));
        format::put(out, ", \"an instruction was edited\");\n");
    }
}

}  // namespace detail

/// Returns a C++ header that holds a program as data: `NAME::table`, a constant of type `program_view` in static
/// storage. It needs the headers of chimera alone, and compiles in seconds where generating the program at compile time
/// would take minutes: 100,000 instructions in 5 s with GCC 12. Its compilation proves all laws up to
/// `cpp_proven_instructions`, beyond them that the data are those written. `writer` says who wrote it, such as the
/// command. Throws `chimera_error` for a name that C++ cannot take.
[[nodiscard]] inline std::string cpp(program_argument table, std::string_view name, std::string_view writer) {
    detail::check_identifier(name);
    const bool proven = table.instructions.size() <= cpp_proven_instructions;
    std::string out = "// Written by " + format::visible(writer) + ".\n#pragma once\n\n";
    format::put(out, "#include <chimera/program/program_checksum.hpp>\n#include <chimera/program/program.hpp>\n");
    if (proven) format::put(out, "#include <chimera/verify/check.hpp>\n");
    format::put(out, "\n#include <array>\n#include <cstdint>\n\nnamespace ", name, " {\n\nnamespace data {\n\n");
    format::put(out, "using op = chimera::action;\n");
    detail::put_cpp_shape(out, table.head);
    detail::put_cpp_list(out, "placement", table.placement);
    detail::put_cpp_list(out, "offsets", table.offsets);
    detail::put_cpp_list(out, "buffers", table.buffers);
    detail::put_cpp_list(out, "member_offsets", table.member_offsets);
    detail::put_cpp_list(out, "members", table.members);
    detail::put_cpp_list(out, "buffer_counts", table.buffer_counts);
    detail::put_cpp_list(out, "version_counts", table.version_counts);
    detail::put_cpp_links(out, table.links);
    format::put(out,
                "\n// op, count, overlap, pipeline, stage, inputs, version, first, peer, buffer, group, message, list\n"
                "inline constexpr chimera::instruction instructions[]{\n");
    for (std::int32_t w = 0; w < table.head.workers; ++w) {
        format::put(out, "    // worker ", w, "\n");
        for (const instruction& i : table.row(w)) detail::put_cpp_instruction(out, i);
    }
    format::put(out, "};\n\n}  // namespace data\n\n");
    format::put(out, "inline constexpr chimera::program_view table{\n    data::sizes, data::placement, data::offsets,");
    format::put(out, " data::instructions, data::buffers,\n    data::member_offsets, data::members,");
    format::put(out, " data::buffer_counts, ", table.messages, ", data::version_counts",
                table.links.empty() ? "};\n" : ", data::links};\n");
    detail::put_cpp_checks(out, table);
    format::put(out, "\n}  // namespace ", name, "\n");
    return out;
}

}  // namespace chimera
