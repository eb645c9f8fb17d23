// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/engine.hpp>
#include <executor/workers/byte_stream.hpp>
#include <executor/workers/process_group.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <limits>
#include <new>
#include <numeric>

namespace chimera::executor {

namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 24;  // of a blob that is collected

blob nothing(const std::vector<blob>&) { return {}; }

double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Processes with the same one read the same clock.
std::string running_system() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    std::getline(file, text);
    return text;
}

}  // namespace

process_group::process_group() : process_group(meet(identity{}, rendezvous_point{})) {}

process_group::process_group(std::unique_ptr<rendezvous> met, double timeout_seconds)
    : rendezvous({met->rank(), met->size(), met->local_rank()}), met_(std::move(met)), timeout_(timeout_seconds) {
    find_local();
    if (!alone()) find_clock();
}

void process_group::deal(int workers) {
    if (workers % size() != 0)
        refuse(std::to_string(size()) + " ranks cannot share " + std::to_string(workers) + " workers (WORLD_SIZE is " +
               std::to_string(size()) + ", the schedule has " + std::to_string(workers) + " workers) start " +
               std::to_string(workers) + " ranks, or a number that divides it");
    first_ = rank() * (workers / size());
    last_ = first_ + workers / size();
}

std::vector<int> process_group::here() const {
    std::vector<int> all(static_cast<std::size_t>(last_ - first_));
    std::iota(all.begin(), all.end(), first_);
    return all;
}

void process_group::together(const std::function<void()>& code) {
    if (alone()) return code();
    outcome how = outcome::refused;
    std::string why;
    std::exception_ptr own;
    try {
        code();
        wait();
        return;
    } catch (const run_aborted& e) {
        how = outcome::aborted, why = e.what(), own = std::current_exception();
    } catch (const run_failed& e) {
        how = outcome::failed, why = e.what(), own = std::current_exception();
    } catch (const std::bad_alloc&) {
        why = "memory ran out", own = std::current_exception();
    } catch (const std::exception& e) {
        why = e.what(), own = std::current_exception();
    }
    if (over_) std::rethrow_exception(own);
    try {
        say(how, std::as_bytes(std::span(why)), nothing);
    } catch (const chimera_error&) {
        if (how == outcome::aborted) throw;  // others know better
    }
    std::rethrow_exception(own);
}

/// Packs the verdict, the rank that it is about and a text or an answer.
blob process_group::pack_verdict(outcome verdict, std::size_t rank, std::span<const std::byte> text) {
    packer out;
    out.add(verdict);
    out.add(static_cast<std::uint32_t>(rank));
    out.add_all(text);
    return out.bytes();
}

/// Rank 0 looks for the worst of all outcomes, and at the first rank that has it. `own`: what rank 0's answer threw.
blob process_group::judge(const std::vector<blob>& all, const answer& of_rank_0, std::exception_ptr& own) {
    std::vector<blob> each;
    outcome worst = outcome::good;
    std::size_t at = 0;
    for (const blob& one : all) {
        unpacker from(one);
        const auto that = from.take<outcome>();
        if (that > worst) worst = that, at = each.size();
        each.push_back(from.take_all<std::byte>());
    }
    if (worst != outcome::good) return pack_verdict(worst, at, each[at]);
    try {
        return pack_verdict(worst, 0, of_rank_0(std::move(each)));
    } catch (const std::exception& e) {
        own = std::current_exception();
        const std::string why = e.what();
        return pack_verdict(outcome::refused, 0, std::as_bytes(std::span(why)));
    }
}

blob process_group::say(outcome how, std::span<const std::byte> mine, const answer& of_rank_0) {
    packer said;
    said.add(how);
    said.add_all(mine);
    std::exception_ptr own;
    blob heard;
    try {
        heard = met_->ask(said.bytes(), [&](const std::vector<blob>& all) { return judge(all, of_rank_0, own); });
    } catch (const chimera_error& lost) {
        over_ = true;
        throw run_failed(lost.what());
    }
    unpacker from(heard);
    const auto verdict = from.take<outcome>();
    const auto whose = from.take<std::uint32_t>();
    blob text = from.take_all<std::byte>();
    if (verdict == outcome::good) return text;
    over_ = true;
    if (own) std::rethrow_exception(own);
    const std::string line = "rank " + std::to_string(rank()) + " of " + std::to_string(size()) +
                             " has to give up (rank " + std::to_string(whose) + ": " +
                             std::string(reinterpret_cast<const char*>(text.data()), text.size()) +
                             ") look at its output";
    if (verdict == outcome::refused) throw chimera_error(line);
    throw run_failed(line);
}

blob process_group::ask(std::span<const std::byte> mine, const answer& of_rank_0) {
    if (alone()) return of_rank_0({blob(mine.begin(), mine.end())});
    return say(outcome::good, mine, of_rank_0);
}

void process_group::wait() { ask({}, nothing); }

bool process_group::any(bool mine) {
    if (alone()) return mine;
    packer said;
    said.add(mine);
    const blob heard = ask(said.bytes(), [](const std::vector<blob>& all) {
        packer given;
        given.add(std::ranges::any_of(all, [](const blob& one) { return unpacker(one).take<bool>(); }));
        return given.bytes();
    });
    return unpacker(heard).take<bool>();
}

std::int64_t process_group::of_rank_0(std::int64_t mine) {
    packer said;
    said.add(mine);
    return unpacker(ask(said.bytes(), [](const std::vector<blob>& all) { return all.front(); })).take<std::int64_t>();
}

std::vector<blob> process_group::collect(std::span<const std::byte> mine) {
    if (alone()) return {blob(mine.begin(), mine.end())};
    std::vector<blob> whole(leads() ? static_cast<std::size_t>(size()) : 0);
    for (bool more = true; more;) {
        const auto piece = mine.first(std::min(piece_bytes, mine.size()));
        mine = mine.subspan(piece.size());
        ask(piece, [&](const std::vector<blob>& all) {
            for (std::size_t r = 0; r < all.size(); ++r) whole[r].insert(whole[r].end(), all[r].begin(), all[r].end());
            return blob();
        });
        more = any(!mine.empty());
    }
    return whole;
}

void process_group::agree(const std::string& mine, const std::string& what) {
    if (alone()) return;
    const blob heard = ask(std::as_bytes(std::span(mine)), [](const std::vector<blob>& all) {
        const auto other = std::ranges::find_if(all, [&](const blob& one) { return one != all.front(); });
        packer given;
        given.add(static_cast<std::int64_t>(other == all.end() ? 0 : other - all.begin()));
        return given.bytes();
    });
    const auto other = unpacker(heard).take<std::int64_t>();
    if (other == 0) return;
    over_ = true;
    refuse("rank " + std::to_string(rank()) + " of " + std::to_string(size()) + " cannot go on (rank " +
           std::to_string(other) + " has another " + what + ") start all ranks alike");
}

double process_group::now() const { return steady_seconds() + clock_; }

/// Of ranks on other machines: rank 0 says its time, which is about that of the middle between asking and hearing it.
void process_group::find_clock() {
    const std::string mine = running_system();
    const auto all = exchange(std::as_bytes(std::span(mine)));
    const bool same = !mine.empty() && std::ranges::all_of(all, [&](const blob& one) { return one == all.front(); });
    if (same) return;
    double shortest = std::numeric_limits<double>::infinity();
    for (int round = 0; round < 8; ++round) {
        const double asked = steady_seconds();
        const blob heard = ask({}, [](const std::vector<blob>&) {
            packer given;
            given.add(steady_seconds());
            return given.bytes();
        });
        const double took = steady_seconds() - asked;
        if (took < shortest && !leads()) clock_ = unpacker(heard).take<double>() - (asked + took / 2);
        shortest = std::min(shortest, took);
    }
}

}  // namespace chimera::executor
