// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/frame.hpp>
#include <executor/communicate/bootstrap/frame_sum.hpp>

#include <algorithm>
#include <utility>

namespace chimera::executor::detail {
namespace {

constexpr std::size_t number_at = 24, payload_sum_at = 32, head_sum_at = 40;

std::uint32_t sum_of(std::array<std::byte, hello_bytes> text) {
    put(text.data() + 20, std::uint32_t{0});
    return static_cast<std::uint32_t>(frame_sum(text, 0));
}

}  // namespace

std::array<std::byte, hello_bytes> pack(const hello& h) {
    std::array<std::byte, hello_bytes> to{};
    put(to.data(), h.word);
    put(to.data() + 8, h.version);
    put(to.data() + 12, h.size);
    put(to.data() + 16, h.rank);
    put(to.data() + 24, h.job);
    put(to.data() + 20, sum_of(to));
    return to;
}

std::optional<hello> unpack(std::span<const std::byte, hello_bytes> from) {
    const hello said{get<std::uint64_t>(from.data()), get<std::uint32_t>(from.data() + 8),
                     get<std::uint32_t>(from.data() + 12), get<std::uint32_t>(from.data() + 16),
                     get<std::uint64_t>(from.data() + 24)};
    if (said.word != magic) return {};
    std::array<std::byte, hello_bytes> text;
    std::ranges::copy(from, text.begin());
    if (said.version == protocol && get<std::uint32_t>(from.data() + 20) != sum_of(text)) return {};
    return said;
}

std::uint64_t hash(const std::string& text) {
    std::uint64_t value = 0xcbf29ce484222325;
    for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return value;
}

line::line(socket at, std::uint64_t self, std::uint64_t other)
    : at_(std::move(at)), seed_out_(direction_seed(0, self, other)), seed_in_(direction_seed(0, other, self)) {}

socket::status line::send(kind what, std::span<const std::byte> payload, deadline until) {
    blob all(frame_bytes + payload.size());
    put(all.data(), magic);
    put(all.data() + 8, static_cast<std::uint32_t>(what));
    put(all.data() + 16, static_cast<std::uint64_t>(payload.size()));
    put(all.data() + number_at, ++sent_);
    put(all.data() + payload_sum_at, frame_sum(payload, seed_out_));
    put(all.data() + head_sum_at, frame_sum(std::span(all).first(head_sum_at), seed_out_));
    std::ranges::copy(payload, all.begin() + frame_bytes);
    return at_.send(all, until);
}

std::optional<frame> line::advance(std::size_t most) {
    const auto end = [](frame::fault how, std::string why = {}) {
        frame f;
        f.bad = how;
        f.why = std::move(why);
        return f;
    };
    for (;;) {
        const bool in_head = head_had_ < frame_bytes;
        if (!in_head && had_ == payload_.size()) return close();
        const auto to = in_head ? std::span(head_).subspan(head_had_) : std::span(payload_).subspan(had_);
        const auto got = at_.receive_some(to);
        if (got < 0) return end(frame::fault::closed);
        if (got == 0) return {};
        (in_head ? head_had_ : had_) += static_cast<std::size_t>(got);
        if (!in_head) continue;
        // The magic by itself: a stranger may say less than a head and then wait.
        if (head_had_ >= 8 && get<std::uint64_t>(head_.data()) != magic)
            return end(frame::fault::foreign, "sent what is no message of this program");
        if (head_had_ < frame_bytes) continue;
        if (std::string why = open(most); !why.empty()) return end(frame::fault::wrong, std::move(why));
    }
}

/// A head that is complete makes room for its payload. Returns what is wrong with it.
std::string line::open(std::size_t most) {
    if (get<std::uint64_t>(head_.data() + head_sum_at) != frame_sum(std::span(head_).first(head_sum_at), seed_in_))
        return "sent a message whose head has another checksum";
    const auto what = get<std::uint32_t>(head_.data() + 8);
    const auto size = get<std::uint64_t>(head_.data() + 16), number = get<std::uint64_t>(head_.data() + number_at);
    if (number != ++heard_)
        return "sent message " + std::to_string(number) + " where message " + std::to_string(heard_) + " was due";
    if (what < 1 || what > static_cast<std::uint32_t>(kind::all) || get<std::uint32_t>(head_.data() + 12) != 0)
        return "sent a message of kind " + std::to_string(what) + ", which there is none";
    if (size > most)
        return "sent a message of " + std::to_string(size) + " bytes where at most " + std::to_string(most) +
               " may come";
    payload_.resize(size);
    had_ = 0;
    return {};
}

frame line::close() {
    frame f;
    f.what = static_cast<kind>(get<std::uint32_t>(head_.data() + 8));
    f.payload = std::exchange(payload_, {});
    head_had_ = had_ = 0;
    if (frame_sum(f.payload, seed_in_) == get<std::uint64_t>(head_.data() + payload_sum_at)) return f;
    f.bad = frame::fault::wrong;
    f.why = "sent a message whose data have another checksum";
    return f;
}

frame line::receive(std::size_t most, deadline until) {
    for (;;) {
        if (auto f = advance(most)) return std::move(*f);
        if (at_.wait_readable(until)) continue;
        frame f;
        f.bad = frame::fault::late;
        return f;
    }
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

std::vector<blob> split(const blob& from, std::size_t count) {
    if (from.size() < 8 || get<std::uint64_t>(from.data()) != count) return {};
    std::span<const std::byte> rest = std::span(from).subspan(8);
    std::vector<blob> all;
    for (std::size_t i = 0; i < count; ++i) {
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
