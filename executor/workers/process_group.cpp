// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/peer_text.hpp>
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

constexpr std::size_t largest_piece = std::size_t{1} << 24;  // of a blob that is collected
constexpr std::size_t all_pieces = std::size_t{1} << 28;

constexpr double longest_clock = 1e12;  // seconds

blob nothing(const std::vector<blob>&) { return {}; }

double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Processes with the same one read the same clock.
std::string running_system() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    std::getline(file, text);
    return text.substr(0, 64);
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
    } catch (const bad_message& e) {
        how = outcome::failed, why = e.what(), own = std::make_exception_ptr(run_failed(why));
    } catch (const std::bad_alloc&) {
        why = "memory ran out", own = std::current_exception();
    } catch (const std::exception& e) {
        why = e.what(), own = std::current_exception();
    }
    if (over_) std::rethrow_exception(own);
    try {
        say(how, short_enough(why), nothing, {.last = true});
    } catch (const chimera_error&) {
        if (how == outcome::aborted) throw;  // others know better
    }
    std::rethrow_exception(own);
}

/// Packs the verdict, the rank that it is about and a text or an answer.
blob process_group::pack_verdict(outcome verdict, std::size_t rank, std::span<const std::byte> text) {
    packer out;
    out.add(static_cast<std::uint8_t>(verdict));
    out.add(static_cast<std::uint32_t>(rank));
    out.add_all(text);
    return out.bytes();
}

/// The worst of all outcomes, and the first rank that has it. A rank that said nothing is one that has not come after
/// somebody's last word.
std::pair<process_group::outcome, std::size_t> process_group::worst_of(const std::vector<blob>& all) {
    constexpr auto most = static_cast<std::uint8_t>(outcome::failed);
    std::pair<outcome, std::size_t> worst{outcome::good, 0};
    for (std::size_t r = 0; r < all.size(); ++r) {
        if (all[r].empty()) continue;
        unpacker from(all[r], static_cast<int>(r));
        const auto that = static_cast<outcome>(from.take<std::uint8_t>(0, most, "an outcome of kind"));
        if (that > worst.first) worst = {that, r};
    }
    return worst;
}

blob process_group::judge_all(const std::vector<blob>& all, const answer& of_rank_0, const limits& most) {
    const auto said = [&](std::size_t r, std::size_t bytes) {
        unpacker from(all[r], static_cast<int>(r));
        from.take<std::uint8_t>();
        blob data = from.take_bytes(bytes, "data");
        from.end();
        return data;
    };
    const auto [worst, at] = worst_of(all);
    if (worst != outcome::good) return pack_verdict(worst, at, said(at, largest_peer_text));
    std::vector<blob> each;
    for (std::size_t r = 0; r < all.size(); ++r) each.push_back(said(r, most.said));
    return pack_verdict(worst, 0, of_rank_0(std::move(each)));
}

/// Rank 0's verdict. `own`: what it threw.
blob process_group::judge(const std::vector<blob>& all, const answer& of_rank_0, const limits& most,
                          std::exception_ptr& own) {
    outcome how = outcome::failed;
    std::string why;
    try {
        return judge_all(all, of_rank_0, most);
    } catch (const run_failed& e) {
        own = std::current_exception(), why = e.what();
    } catch (const bad_message& e) {
        own = std::current_exception(), why = e.what();
    } catch (const std::exception& e) {
        how = outcome::refused, own = std::current_exception(), why = e.what();
    }
    return pack_verdict(how, 0, short_enough(why));
}

blob process_group::say(outcome how, std::span<const std::byte> mine, const answer& of_rank_0, const limits& most) {
    packer said;
    said.add(static_cast<std::uint8_t>(how));
    said.add_all(mine);
    std::exception_ptr own;
    blob heard;
    const auto judged = [&](const std::vector<blob>& all) { return judge(all, of_rank_0, most, own); };
    const limits packed{std::max(most.said, largest_peer_text) + 16, std::max(most.answered, largest_peer_text) + 16,
                        most.last};
    try {
        heard = met_->ask(said.bytes(), judged, packed);
    } catch (const chimera_error& lost) {
        over_ = true;
        throw run_failed(lost.what());
    }
    unpacker from(heard, 0);
    const auto verdict = static_cast<outcome>(
        from.take<std::uint8_t>(0, static_cast<std::uint8_t>(outcome::failed), "a verdict of kind"));
    const auto whose = from.take<std::uint32_t>(0, static_cast<std::uint32_t>(size()) - 1, "a verdict about rank");
    blob text = from.take_bytes(verdict == outcome::good ? most.answered : largest_peer_text, "an answer");
    from.end();
    if (verdict == outcome::good) return text;
    over_ = true;
    if (own) std::rethrow_exception(own);
    give_up(verdict, whose, text);
}

void process_group::give_up(outcome verdict, std::uint32_t whose, std::span<const std::byte> text) const {
    const std::string line = "rank " + std::to_string(rank()) + " of " + std::to_string(size()) +
                             " has to give up (rank " + std::to_string(whose) + ": " + peer_text(text) +
                             ") look at its output";
    if (verdict == outcome::refused) throw chimera_error(line);
    throw run_failed(line);
}

blob process_group::ask(std::span<const std::byte> mine, const answer& of_rank_0, const limits& most) {
    if (alone()) return of_rank_0({blob(mine.begin(), mine.end())});
    return say(outcome::good, mine, of_rank_0, most);
}

void process_group::wait() { ask({}, nothing, {}); }

bool process_group::any(bool mine) {
    if (alone()) return mine;
    packer said;
    said.add_flag(mine);
    const auto one_of = [](const std::vector<blob>& all) {
        bool is = false;
        for (std::size_t r = 0; r < all.size(); ++r) {
            unpacker from(all[r], static_cast<int>(r));
            is = from.take_flag("an answer") || is;
        }
        packer given;
        given.add_flag(is);
        return given.bytes();
    };
    return unpacker(ask(said.bytes(), one_of, {1, 1}), 0).take_flag("an answer");
}

std::int64_t process_group::of_rank_0(std::int64_t mine, std::int64_t least, std::int64_t most) {
    packer said;
    said.add(mine);
    const auto first = [](const std::vector<blob>& all) { return all.front(); };
    const blob heard = ask(said.bytes(), first, {sizeof mine, sizeof mine});
    return unpacker(heard, 0).take<std::int64_t>(least, most, "the number");
}

std::vector<blob> process_group::collect(std::span<const std::byte> mine, std::span<const std::size_t> due) {
    if (alone()) return {blob(mine.begin(), mine.end())};
    // Rank 0 holds a piece of everybody's at a time, and MPI counts all of them in an int.
    const std::size_t piece_bytes = std::min(largest_piece, all_pieces / static_cast<std::size_t>(size()));
    std::vector<blob> whole(leads() ? static_cast<std::size_t>(size()) : 0);
    for (bool more = true; more;) {
        const auto piece = mine.first(std::min(piece_bytes, mine.size()));
        mine = mine.subspan(piece.size());
        const auto gather = [&](const std::vector<blob>& all) {
            for (std::size_t r = 0; r < all.size(); ++r) {
                if (all[r].size() > due[r] - whole[r].size())
                    throw bad_message("rank " + std::to_string(r) + " sent more than " + std::to_string(due[r]) +
                                      " bytes (not what this job allows) start the same build everywhere");
                whole[r].insert(whole[r].end(), all[r].begin(), all[r].end());
            }
            return blob();
        };
        ask(piece, gather, {piece_bytes, 0});
        more = any(!mine.empty());
    }
    for (std::size_t r = 0; r < whole.size(); ++r)
        if (whole[r].size() != due[r])
            throw bad_message("rank " + std::to_string(r) + " sent " + std::to_string(whole[r].size()) +
                              " bytes where " + std::to_string(due[r]) +
                              " are due (not what this job allows) start the same build everywhere");
    return whole;
}

void process_group::agree(const std::string& mine, const std::string& what) {
    if (alone()) return;
    const auto compare = [](const std::vector<blob>& all) {
        const auto other = std::ranges::find_if(all, [&](const blob& one) { return one != all.front(); });
        packer given;
        given.add(static_cast<std::int64_t>(other == all.end() ? 0 : other - all.begin()));
        return given.bytes();
    };
    const blob heard = ask(std::as_bytes(std::span(mine)), compare, {largest_peer_text, sizeof(std::int64_t)});
    const auto other = unpacker(heard, 0).take<std::int64_t>(0, size() - 1, "the rank");
    if (other == 0) return;
    over_ = true;
    refuse("rank " + std::to_string(rank()) + " of " + std::to_string(size()) + " cannot go on (rank " +
           std::to_string(other) + " has another " + what + ") start all ranks alike");
}

double process_group::now() const { return steady_seconds() + clock_; }

/// Of ranks on other machines: rank 0 says its time, which is about that of the middle between asking and hearing it.
void process_group::find_clock() {
    const std::string mine = running_system();
    const auto all = exchange(std::as_bytes(std::span(mine)), 64);
    const bool same = !mine.empty() && std::ranges::all_of(all, [&](const blob& one) { return one == all.front(); });
    if (same) return;
    double shortest = std::numeric_limits<double>::infinity();
    for (int round = 0; round < 8; ++round) {
        const double asked = steady_seconds();
        const auto tell = [](const std::vector<blob>&) {
            packer given;
            given.add(steady_seconds());
            return given.bytes();
        };
        const blob heard = ask({}, tell, {0, sizeof(double)});
        const double took = steady_seconds() - asked;
        const double then = unpacker(heard, 0).take<double>(-longest_clock, longest_clock, "the time");
        if (took < shortest && !leads()) clock_ = then - (asked + took / 2);
        shortest = std::min(shortest, took);
    }
}

}  // namespace chimera::executor
