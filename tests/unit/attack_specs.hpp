// SPDX-License-Identifier: Apache-2.0
#pragma once

// Random members of every family, with width, recompute and synchronisation.

#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>
#include <chimera/verify.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace chimera::attack {

using dice = std::mt19937;

/// Uniform in [low, high]; the same on every standard library, unlike std::uniform_int_distribution.
inline int roll(dice& d, int low, int high) {
    return low + static_cast<int>(d() % static_cast<std::uint32_t>(high - low + 1));
}

struct case_of {
    std::string name;
    schedule table;
    reduction_start mode = reduction_start::lazy;
};

inline std::string words(const char* family, int stages, int micro_batches) {
    return std::string(family) + " D=" + std::to_string(stages) + " N=" + std::to_string(micro_batches);
}

inline case_of random_bidirectional(dice& d, int most_stages, int most_micro_batches) {
    bidirectional spec{2 * roll(d, 1, most_stages / 2), roll(d, 1, most_micro_batches), 2, scale::direct};
    std::vector<int> choices;
    for (int p = 2; p <= spec.stages; p += 2)
        if (spec.stages % p == 0) choices.push_back(p);
    spec.pipelines = choices[static_cast<std::size_t>(roll(d, 0, static_cast<int>(choices.size()) - 1))];
    spec.scale = static_cast<scale>(roll(d, 0, 2));
    return {words("bidirectional", spec.stages, spec.micro_batches) + " 2f=" + std::to_string(spec.pipelines) +
                " scale=" + std::to_string(static_cast<int>(spec.scale)),
            generate(spec)};
}

/// Every slot covers twice the units, of half the size: no family yields backwards of several units, a file may.
inline void cut_units(schedule& s) {
    s.head.micro_batch_parts *= 2;
    for (slot& x : s.entries) {
        x.first *= 2;
        x.count = static_cast<std::uint8_t>(2 * x.count) & 0x7f;
    }
}

/// Every backward in two halves, the weight gradient at once or after the slot that follows.
inline schedule split_backwards(const schedule& s, dice& d) {
    schedule out{s.head, s.placement, {0}, {}};
    for (int w = 0; w < s.head.workers; ++w) {
        std::vector<slot> later;
        const auto flush = [&] {
            out.entries.insert(out.entries.end(), later.begin(), later.end());
            later.clear();
        };
        for (slot x : s.view().row(w)) {
            const bool backward = x.op == pass::backward;
            if (backward) x.op = pass::input_gradient;
            out.entries.push_back(x);
            flush();
            x.op = pass::weight_gradient;
            if (backward) later.push_back(x);
            if (roll(d, 0, 1)) flush();
        }
        flush();
        out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
    }
    return compact(out);
}

/// One of the families that split backwards, put several stages on a worker, or pair slots.
inline case_of random_other(dice& d, int most_stages, int most_micro_batches) {
    while (true) {
        const int stages = roll(d, 1, most_stages), micro_batches = roll(d, 1, most_micro_batches);
        const auto made = [&](const char* family, const auto& spec) {
            if (spec.refused() != refusal::none) return case_of{};
            return case_of{words(family, stages, micro_batches), generate(spec)};
        };
        case_of c;
        switch (roll(d, 0, 12)) {
            case 0:
                c = made("gems", gems{stages, micro_batches});
                break;
            case 1:
                c = made("interleaved", interleaved{stages, micro_batches, 2});
                break;
            case 2:
                c = made("breadth_first", breadth_first{stages, micro_batches, 2});
                break;
            case 3:
                c = made("zb_h2", zb_h2{stages, micro_batches});
                break;
            case 4:
                c = made("zb_v", zb_v{stages, micro_batches});
                break;
            case 5:
                c = made("v_min", v_min{stages, micro_batches});
                break;
            case 6:
                c = made("wave", wave{stages, micro_batches, 1});
                break;
            case 7:
                c = made("bitpipe", bitpipe{stages, micro_batches});
                break;
            case 8:
                c = made("dualpipe", dualpipe{stages, 2 * stages + micro_batches / 2 * 2});
                break;
            case 9:
                c = made("zb_h1",
                         zb_h1{stages, micro_batches, roll(d, 1, 9), roll(d, 1, 9), roll(d, 1, 9), roll(d, 0, 3)});
                break;
            case 10:
                c = made("v_half",
                         v_half{stages, micro_batches, 0, roll(d, 1, 9), roll(d, 1, 9), roll(d, 1, 9), roll(d, 0, 3)});
                break;
            case 11:
                c = made("v_1f1b",
                         v_1f1b{stages, micro_batches, roll(d, 1, 9), roll(d, 1, 9), roll(d, 1, 9), roll(d, 0, 3)});
                break;
            default:
                c = made("dualpipe_v", dualpipe_v{stages, stages + micro_batches});
                break;
        }
        if (!c.name.empty()) return c;
    }
}

/// A random spec of any family; half of them bidirectional, which has the most modes.
inline case_of random_case(dice& d, int most_stages, int most_micro_batches) {
    const int stages = roll(d, 1, most_stages), micro_batches = roll(d, 1, most_micro_batches);
    case_of c;
    switch (roll(d, 0, 9)) {
        case 0:
            c = {words("gpipe", stages, micro_batches), generate(gpipe{stages, micro_batches})};
            break;
        case 1:
        case 2:
            c = {words("one_f_one_b", stages, micro_batches), generate(one_f_one_b{stages, micro_batches})};
            break;
        case 3:
            c = {"data_parallel W=" + std::to_string(stages) + " N=" + std::to_string(micro_batches),
                 generate(data_parallel{.stages = 1, .micro_batches = micro_batches, .width = stages})};
            break;
        case 4:
        case 5:
        case 6:
            c = random_other(d, most_stages, most_micro_batches);
            break;
        default:
            c = random_bidirectional(d, most_stages, most_micro_batches);
    }
    if (const int kind = roll(d, 0, 3); kind >= 2) {  // none (half of the time), full, a list
        std::vector<std::uint8_t> stages_again(static_cast<std::size_t>(c.table.head.stages), 1);
        if (kind == 3)
            for (auto& s : stages_again) s = static_cast<std::uint8_t>(roll(d, 0, 1));
        c.table = recompute(c.table, stages_again);
        c.name += kind == 2 ? " recompute=full" : " recompute=list";
    }
    if (const int width = roll(d, 1, 3); width > 1) {
        c.table = widen(c.table, width);
        c.name += " width=" + std::to_string(width);
    }
    if (roll(d, 0, 5) == 0) {
        c.table = split_backwards(c.table, d);
        c.name += " split";
    }
    if (roll(d, 0, 7) == 0) {
        cut_units(c.table);
        c.name += " cut";
    }
    c.mode = static_cast<reduction_start>(roll(d, 0, 2));
    c.name += " sync=" + std::to_string(static_cast<int>(c.mode));
    return c;
}

/// 1F1B or bidirectional without a flush, with copies and recompute; what lower refuses or verify faults is drawn again (pipelines
/// of unlike length, groups too short for two versions).
inline case_of random_asynchronous(dice& d, int most_stages, int most_micro_batches) {
    while (true) {
        const bool two_ways = roll(d, 0, 3) == 0;
        const int stages = two_ways ? 2 * roll(d, 1, most_stages / 2) : roll(d, 1, most_stages);
        const int micro_batches = roll(d, 1, most_micro_batches);
        case_of c{
            words(two_ways ? "bidirectional" : "one_f_one_b", stages, micro_batches),
            two_ways ? generate(bidirectional{stages, micro_batches}) : generate(one_f_one_b{stages, micro_batches})};
        c.table.head.update = roll(d, 0, 1) ? update_rule::stashed : update_rule::double_buffered;
        c.table.head.update_every = roll(d, 1, 5);
        if (roll(d, 0, 2) == 0)
            c.table = recompute(c.table, std::vector<std::uint8_t>(static_cast<std::size_t>(stages), 1));
        if (roll(d, 0, 2) == 0) c.table = split_backwards(c.table, d);
        if (roll(d, 0, 2) == 0) c.table = widen(c.table, 2);
        c.name += std::string(" ") + name(c.table.head.update) + " every " + std::to_string(c.table.head.update_every) +
                  " on " + std::to_string(c.table.head.workers) + " workers";
        try {
            if (verify(lower(c.table)).ok()) return c;
        } catch (const chimera_error&) {
        }
    }
}

}  // namespace chimera::attack
