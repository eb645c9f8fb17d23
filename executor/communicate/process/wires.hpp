// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/process/message_header.hpp>
#include <executor/communicate/process/receive_buffers.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace chimera::executor::detail {

/// The connections of one worker to all others, and a thread that carries bytes over them: what was sent goes out and
/// what comes in is taken while the worker computes. What comes is asked about by its header before there is memory for
/// its data.
class wires {
public:
    /// Who is told, on that thread.
    class reader {
    public:
        virtual ~reader() = default;
        /// The fate of data: received, read and forgotten, or left where they are until the next `wake`.
        enum class verdict : std::uint8_t { take, skip, hold };
        /// Before the data of a header are received.
        virtual verdict admits(int from, const message_header& what) = 0;
        virtual void arrived(int from, const message_header& what, blob data) = 0;
        /// Hears of a worker that sent what it may not, or what was changed on the way (`why`): no more is read of it.
        virtual void wrong(int from, const std::string& why) noexcept = 0;
        /// Nothing will come any more from a worker that has not said so.
        virtual void lost(int from) noexcept = 0;
        /// After `wake`.
        virtual void work() = 0;
    };

    /// `to`: by worker; that of `self` is empty. `meeting`: the world's number, the same at all ends. Data comes in
    /// buffers of `pool`.
    wires(int self, std::vector<socket> to, std::uint64_t meeting, receive_buffers& pool, reader& told);
    ~wires();

    /// Returns at once; the data may then be overwritten. Any thread may call. What is sent to one who is gone is
    /// dropped.
    void send(int to, const message_header& what, std::span<const std::byte> data = {});
    /// Has `work` called, and asks again about what was left where it is.
    void wake() noexcept;
    /// Says bye, and waits until all has gone out, at most so long, and, for two seconds, until all others have said bye
    /// too or are gone.
    void close(double seconds);

private:
    struct peer {
        socket at;
        std::uint64_t seed_out = 0, seed_in = 0;
        std::mutex mutex;  // of sending
        std::deque<blob> outbox;
        std::size_t sent = 0;      // of the first one
        std::uint64_t number = 0;  // of the last message that went out
        // Of the wires' own thread:
        std::array<std::byte, head_bytes> head_text{};
        std::size_t head_had = 0;
        message_header next;
        seal with;
        bool opened = false, held = false, skipped = false;  // what has become of the head
        blob data;
        std::size_t data_had = 0;
        bool said_bye = false, over = false;
    };

    void run();
    void serve(int from, short events);
    bool done();
    bool all_sent();
    void flush(peer& p);
    void take(int from);
    bool advance(int from);
    bool open(int from);
    bool complete(int from);
    void end(int from, const std::string& why = {}) noexcept;
    std::span<std::byte> room(peer& p);

    int self_;
    std::vector<std::unique_ptr<peer>> peers_;
    receive_buffers& pool_;
    reader& told_;
    socket bell_;  // an eventfd
    std::vector<std::byte> nowhere_;
    std::atomic<bool> closing_{false};
    std::atomic<deadline> until_{deadline::max()}, byes_until_{deadline::max()};
    std::thread thread_;
};

}  // namespace chimera::executor::detail
