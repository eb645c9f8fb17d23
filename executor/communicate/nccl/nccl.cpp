// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/nccl/nccl.hpp>
#include <executor/communicate/nccl/session.hpp>
#include <executor/communicate/nccl/staging.hpp>
#include <executor/device/cuda/cuda_check.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

namespace chimera::executor {
namespace {

using detail::nccl_event;

constexpr std::size_t most_summed = 256;  // numbers at once

class own_stream {
public:
    explicit own_stream(int gpu) {
        detail::check(cudaSetDevice(gpu), "choosing a GPU");
        detail::check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "making a stream");
    }
    ~own_stream() { cudaStreamDestroy(handle_); }
    own_stream(const own_stream&) = delete;
    own_stream& operator=(const own_stream&) = delete;
    operator cudaStream_t() const { return handle_; }  // NOLINT: it is one

private:
    cudaStream_t handle_ = nullptr;
};

/// Memory of the GPU for numbers that are added up.
class scratch {
public:
    scratch(int gpu, std::size_t count)
        : data_(static_cast<double*>(detail::take_memory(gpu, count * sizeof(double)))) {}
    ~scratch() { cudaFree(data_); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    double* get() const { return data_; }

private:
    double* data_;
};

class nccl_end final : public communicator {
public:
    nccl_end(const ncclUniqueId& id, const nccl_options& options)
        : options_(options), compute_(static_cast<cudaStream_t>(options.compute)), messages_(options.gpu),
          collectives_(options.gpu), scratch_(options.gpu, most_summed * static_cast<std::size_t>(options.size)),
          staging_(options.most_staged), session_(options.rank, options.size, options.gpu, options.timeout_seconds) {
        world_ = session_.connect(id);
        point_to_point_ = session_.split(world_, 0, "messages");
        for (const auto& round : rounds_of(options.groups)) split_round(round);
        meet_every_pair();
        session_.watch();
    }

    int worker() const override { return options_.rank; }
    int workers() const override { return options_.size; }

    void prepare(int messages) override {
        session_.use();
        while (arrived_.size() < static_cast<std::size_t>(messages)) arrived_.push_back(std::make_unique<nccl_event>());
        posted_.resize(arrived_.size(), false);
    }

    void reserve(std::span<const traffic> all) override {
        session_.use();
        staging_.reserve(all);
    }

    void start(std::span<const transfer> group) override {
        session_.use();
        for (const transfer& t : group) examine(t);
        std::vector<const std::byte*>& data = outgoing_;
        data.clear();
        for (const transfer& t : group) data.push_back(t.sends ? stage(t) : nullptr);
        ready_.record(compute_);
        ready_.hold(messages_);
        session_.run(point_to_point_, "sending and receiving", [&] {
            ncclResult_t result = ncclGroupStart();
            for (std::size_t i = 0; i < group.size() && result == ncclSuccess; ++i) result = enqueue(group[i], data[i]);
            const ncclResult_t ended = ncclGroupEnd();
            return result == ncclSuccess ? ended : result;
        });
        for (const transfer& t : group)
            if (!t.sends) arrived_[index(t.message)]->record(messages_), posted_[index(t.message)] = true;
        for (detail::nccl_staging::piece* piece : under_way_) {
            piece->sent.record(messages_);
            piece->enqueued = true;
        }
        under_way_.clear();
    }

    bool poll(int message) override { return posted_[index(message)] && arrived_[index(message)]->passed(); }

    void wait(int message) override {
        session_.check();
        if (!posted_[index(message)])
            refuse(session_.who() + ": message " + std::to_string(message) +
                   " is waited for before its receive (the program is wrong) verify the program");
        arrived_[index(message)]->hold(compute_);
        posted_[index(message)] = false;
    }

    int join(int key, std::span<const std::int32_t> group) override {
        const members who(group.begin(), group.end());
        const auto found = groups_.find(who);
        const bool everybody = group.size() == static_cast<std::size_t>(workers());
        if (group.size() > 1 && !everybody && found == groups_.end())
            refuse(session_.who() + ": group " + std::to_string(key) +
                   " was not named when NCCL was started (options.groups) give every rank all replica groups");
        session_.use();
        joined_.push_back(std::make_unique<membership>());
        membership& of = *joined_.back();
        if (group.size() > 1) of.comm = found != groups_.end() ? found->second : world_;
        of.size = group.size();
        of.rank = static_cast<std::size_t>(std::ranges::find(who, worker()) - who.begin());
        return static_cast<int>(joined_.size()) - 1;
    }

    void start_all_reduce(int group, std::span<float> data) override {
        collect(group, "adding up gradients", [&](const membership& of) {
            return ncclAllReduce(data.data(), data.data(), data.size(), ncclFloat32, ncclSum, of.comm, collectives_);
        });
    }

    void wait_all_reduce(int group) override {
        session_.check();
        const membership& of = *joined_[index(group)];
        if (of.comm) of.done.hold(compute_);
    }

    /// Shares differ by one element where the members do not divide the size: then each is a reduction to its owner.
    void reduce_scatter(int group, std::span<float> data) override {
        collect(group, "adding up shares of gradients", [&](const membership& of) {
            const std::size_t share = data.size() / of.size;
            if (data.size() % of.size == 0)
                return ncclReduceScatter(data.data(), data.data() + of.rank * share, share, ncclFloat32, ncclSum,
                                         of.comm, collectives_);
            return each_share(of, data, [&](float* part, std::size_t size, int owner) {
                return ncclReduce(part, part, size, ncclFloat32, ncclSum, owner, of.comm, collectives_);
            });
        });
        wait_all_reduce(group);
    }

    void all_gather(int group, std::span<float> data) override {
        collect(group, "gathering weights", [&](const membership& of) {
            const std::size_t share = data.size() / of.size;
            if (data.size() % of.size == 0)
                return ncclAllGather(data.data() + of.rank * share, data.data(), share, ncclFloat32, of.comm,
                                     collectives_);
            return each_share(of, data, [&](float* part, std::size_t size, int owner) {
                return ncclBroadcast(part, part, size, ncclFloat32, owner, of.comm, collectives_);
            });
        });
        wait_all_reduce(group);
    }

    /// In pieces, for memory must not be taken while messages are under way.
    void sum(std::span<double> values) override {
        session_.use();
        session_.check();
        for (std::size_t from = 0; from < values.size(); from += most_summed)
            sum_piece(values.subspan(from, std::min(most_summed, values.size() - from)));
    }

    void check() override { session_.check(); }
    void abort() noexcept override { session_.abort(); }

private:
    struct membership {
        ncclComm_t comm = nullptr;
        std::size_t size = 1, rank = 0;
        nccl_event done;
    };

    static std::size_t index(int i) { return static_cast<std::size_t>(i); }

    void split_round(const std::vector<members>& round) {
        int color = -1;
        for (std::size_t g = 0; g < round.size(); ++g)
            if (std::ranges::binary_search(round[g], worker())) color = static_cast<int>(g);
        ncclComm_t const made = session_.split(world_, color, "replicas");
        if (made) groups_[round[index(color)]] = made;
    }

    void sum_piece(std::span<double> values) {
        const std::size_t n = values.size(), ranks = static_cast<std::size_t>(workers());
        double* const all = scratch_.get();
        double* const mine = all + n * static_cast<std::size_t>(worker());
        const auto copied = [&](void* to, const void* from, std::size_t count) {
            detail::check(cudaMemcpyAsync(to, from, count * sizeof(double), cudaMemcpyDefault, collectives_),
                          "copying sums");
        };
        copied(mine, values.data(), n);
        session_.run(world_, "adding up numbers",
                     [&] { return ncclAllGather(mine, all, n, ncclFloat64, world_, collectives_); });
        // Before the copy to the host, which may block: the others may never come.
        session_.wait(collectives_, "adding up numbers");
        std::vector<double> gathered(n * ranks);
        copied(gathered.data(), all, n * ranks);
        session_.wait(collectives_, "adding up numbers");
        for (std::size_t i = 0; i < n; ++i) {
            values[i] = 0;
            for (std::size_t r = 0; r < ranks; ++r) values[i] += gathered[r * n + i];
        }
    }

    /// A first message from each to each, in one order: a connection that is made while the program runs can wait for a
    /// rank that waits for something else. So can the code of a copy, which CUDA may load when it is first used.
    void meet_every_pair() {
        double* const word = scratch_.get();
        detail::check(cudaMemcpyAsync(word + 1, word, sizeof(double), cudaMemcpyDeviceToDevice, compute_),
                      "copying a message");
        session_.wait(compute_, "copying a message");
        for (int distance = 0; distance < workers(); ++distance) {
            const int to = (worker() + distance) % workers(), from = (worker() + workers() - distance) % workers();
            session_.run(point_to_point_, "meeting every rank", [&] {
                ncclResult_t result = ncclGroupStart();
                if (result == ncclSuccess) result = ncclSend(word, 1, ncclFloat64, to, point_to_point_, messages_);
                if (result == ncclSuccess)
                    result = ncclRecv(word + 1, 1, ncclFloat64, from, point_to_point_, messages_);
                const ncclResult_t ended = ncclGroupEnd();
                return result == ncclSuccess ? ended : result;
            });
            session_.wait(messages_, "meeting every rank");
        }
    }

    void examine(const transfer& t) const {
        if (t.message < 0 || index(t.message) >= arrived_.size() || t.peer < 0 || t.peer >= workers())
            refuse("message " + std::to_string(t.message) + " between workers " + std::to_string(worker()) + " and " +
                   std::to_string(t.peer) + " (no such message or peer) verify the program");
    }

    const std::byte* stage(const transfer& t) {
        if (t.bytes == 0) return t.data;
        auto& piece = staging_.take(t, compute_);
        detail::check(cudaMemcpyAsync(piece.data, t.data, t.bytes, cudaMemcpyDeviceToDevice, compute_),
                      "copying a message");
        under_way_.push_back(&piece);
        return piece.data;
    }

    ncclResult_t enqueue(const transfer& t, const std::byte* data) {
        return t.sends ? ncclSend(data, t.bytes, ncclInt8, t.peer, point_to_point_, messages_)
                       : ncclRecv(t.data, t.bytes, ncclInt8, t.peer, point_to_point_, messages_);
    }

    /// Enqueues a collective after what was computed so far.
    template <typename Call>
    void collect(int group, const char* doing, Call call) {
        membership& of = *joined_[index(group)];
        session_.check();
        if (!of.comm) return;
        session_.use();
        ready_.record(compute_);
        ready_.hold(collectives_);
        session_.run(of.comm, doing, [&] { return call(of); });
        of.done.record(collectives_);
    }

    template <typename Call>
    ncclResult_t each_share(const membership& of, std::span<float> data, Call call) {
        ncclResult_t result = ncclGroupStart();
        for (std::size_t r = 0; r < of.size && result == ncclSuccess; ++r) {
            const std::size_t from = r * data.size() / of.size, to = (r + 1) * data.size() / of.size;
            if (to > from) result = call(data.data() + from, to - from, static_cast<int>(r));
        }
        const ncclResult_t ended = ncclGroupEnd();
        return result == ncclSuccess ? ended : result;
    }

    nccl_options options_;
    cudaStream_t compute_;
    own_stream messages_, collectives_;
    nccl_event ready_;
    scratch scratch_;
    detail::nccl_staging staging_;
    std::vector<detail::nccl_staging::piece*> under_way_;
    std::vector<const std::byte*> outgoing_;
    std::vector<std::unique_ptr<nccl_event>> arrived_;  // by message
    std::vector<bool> posted_;
    std::map<members, ncclComm_t> groups_;
    std::vector<std::unique_ptr<membership>> joined_;
    detail::nccl_session session_;  // ends first: nothing may use the streams and memory any more
    ncclComm_t world_ = nullptr, point_to_point_ = nullptr;
};

}  // namespace

/// NCCL reads its settings once, when it is first used.
void prepare_nccl() {
    static std::once_flag done;
    std::call_once(done, [] { setenv("NCCL_RUNTIME_CONNECT", "0", 0); });
    int loaded = 0;
    ncclGetVersion(&loaded);
    const auto text = [](int v) {
        return v < 10000 ? std::to_string(v / 1000) + "." + std::to_string(v / 100 % 10)
                         : std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100);
    };
    if (loaded / 100 < NCCL_VERSION_CODE / 100)
        refuse("NCCL " + text(loaded) + " is loaded (the program was built for " + text(NCCL_VERSION_CODE) +
               ") put the newer one first in LD_LIBRARY_PATH or build with the older one");
}

blob make_nccl_id() {
    prepare_nccl();
    ncclUniqueId id{};
    if (const ncclResult_t result = ncclGetUniqueId(&id); result != ncclSuccess)
        refuse(std::string("no id for a run over NCCL (NCCL says: ") + ncclGetErrorString(result) +
               ") check that a network interface is up (see NCCL_SOCKET_IFNAME)");
    blob made(sizeof id);
    std::memcpy(made.data(), &id, sizeof id);
    return made;
}

std::unique_ptr<communicator> make_nccl(const blob& id, const nccl_options& options) {
    prepare_nccl();
    ncclUniqueId unique{};
    if (id.size() != sizeof unique)
        refuse("an NCCL id of " + std::to_string(id.size()) + " bytes came (" + std::to_string(sizeof unique) +
               " are right) start the same build on every rank");
    std::memcpy(&unique, id.data(), sizeof unique);
    return std::make_unique<nccl_end>(unique, options);
}

}  // namespace chimera::executor
