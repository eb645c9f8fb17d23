// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/process/message_header.hpp>
#include <executor/communicate/process/receive_buffers.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace chimera::executor::detail {

/// The connections of one worker to all others, and a thread that carries bytes over them: what was sent goes out and
/// what comes in is taken while the worker computes.
class wires {
public:
    /// Who is told, on that thread.
    class reader {
    public:
        virtual ~reader() = default;
        virtual void arrived(int from, const message_header& what, blob data) = 0;
        /// Nothing will come any more from a worker that has not said so.
        virtual void lost(int from) = 0;
        /// After `wake`.
        virtual void work() = 0;
    };

    /// `to`: by worker; that of `self` is empty. Data comes in buffers of `pool`.
    wires(int self, std::vector<socket> to, receive_buffers& pool, reader& told);
    ~wires();

    /// Returns at once; the data may then be overwritten. Any thread may call. What is sent to one who is gone is
    /// dropped.
    void send(int to, const message_header& what, std::span<const std::byte> data = {});
    /// Has `work` called.
    void wake() noexcept;
    /// Says bye, and waits until all has gone out and all others have said bye too, or are gone, or the time has
    /// passed.
    void close(double seconds);

private:
    struct peer {
        socket at;
        std::mutex mutex;  // of sending
        std::deque<blob> outbox;
        std::size_t sent = 0;  // of the first one
        // Of the wires' own thread:
        std::array<std::byte, head_bytes> head_text{};
        std::size_t head_had = 0;
        message_header next;
        blob data;
        std::size_t data_had = 0;
        bool said_bye = false, over = false;
    };

    void run();
    bool done();
    bool all_sent();
    void flush(peer& p);
    void take(int from);
    bool take_piece(int from);
    void end(int from);

    int self_;
    std::vector<std::unique_ptr<peer>> peers_;
    receive_buffers& pool_;
    reader& told_;
    socket bell_;  // an eventfd
    std::atomic<bool> closing_{false};
    std::atomic<deadline> until_{deadline::max()};
    std::thread thread_;
};

}  // namespace chimera::executor::detail
