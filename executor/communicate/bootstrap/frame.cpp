// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/frame.hpp>

#include <algorithm>

namespace chimera::executor::detail {

std::array<std::byte, hello_bytes> pack(const hello& h) {
    std::array<std::byte, hello_bytes> to{};
    put(to.data(), h.word);
    put(to.data() + 8, h.version);
    put(to.data() + 12, h.size);
    put(to.data() + 16, h.rank);
    put(to.data() + 24, h.job);
    return to;
}

hello unpack(const std::array<std::byte, hello_bytes>& from) {
    return {get<std::uint64_t>(from.data()), get<std::uint32_t>(from.data() + 8), get<std::uint32_t>(from.data() + 12),
            get<std::uint32_t>(from.data() + 16), get<std::uint64_t>(from.data() + 24)};
}

std::uint64_t hash(const std::string& text) {
    std::uint64_t value = 0xcbf29ce484222325;
    for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return value;
}

socket::status send_frame(socket& to, kind what, std::span<const std::byte> payload, deadline until) {
    blob all(frame_bytes + payload.size());
    put(all.data(), magic);
    put(all.data() + 8, static_cast<std::uint32_t>(what));
    put(all.data() + 16, static_cast<std::uint64_t>(payload.size()));
    std::ranges::copy(payload, all.begin() + frame_bytes);
    return to.send(all, until);
}

frame receive_frame(socket& from, deadline until) {
    const auto wrong = [](socket::status s) {
        frame f;
        f.wrong = s == socket::status::late ? frame::fault::late : frame::fault::closed;
        return f;
    };
    std::array<std::byte, frame_bytes> head{};
    frame f;
    // The magic by itself: a stranger may say less than a head and then wait.
    if (const auto s = from.receive(std::span(head).first(8), until); s != socket::status::done) return wrong(s);
    f.wrong = frame::fault::foreign;
    if (get<std::uint64_t>(head.data()) != magic) return f;
    if (const auto s = from.receive(std::span(head).subspan(8), until); s != socket::status::done) return wrong(s);
    const auto what = get<std::uint32_t>(head.data() + 8);
    const auto size = get<std::uint64_t>(head.data() + 16);
    if (what < 1 || what > 4 || size > largest_payload) return f;
    f.payload.resize(size);
    if (const auto s = from.receive(f.payload, until); s != socket::status::done) return wrong(s);
    f.what = static_cast<kind>(what);
    f.wrong = frame::fault::none;
    return f;
}

blob join(const std::vector<blob>& all) {
    blob joined(8);
    put(joined.data(), static_cast<std::uint64_t>(all.size()));
    for (const blob& one : all) {
        std::array<std::byte, 8> length{};
        put(length.data(), static_cast<std::uint64_t>(one.size()));
        joined.insert(joined.end(), length.begin(), length.end());
        joined.insert(joined.end(), one.begin(), one.end());
    }
    return joined;
}

std::vector<blob> split(const blob& from) {
    if (from.size() < 8) return {};
    const auto count = get<std::uint64_t>(from.data());
    std::span<const std::byte> rest = std::span(from).subspan(8);
    std::vector<blob> all;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (rest.size() < 8) return {};
        const auto length = get<std::uint64_t>(rest.data());
        rest = rest.subspan(8);
        if (rest.size() < length) return {};
        all.emplace_back(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length));
        rest = rest.subspan(length);
    }
    return rest.empty() ? all : std::vector<blob>{};
}

}  // namespace chimera::executor::detail
