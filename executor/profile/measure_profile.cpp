// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>

#include <executor/forecast/fit_costs.hpp>
#include <executor/forecast/predict.hpp>
#include <executor/io/resources.hpp>
#include <executor/profile/batch_probes.hpp>
#include <executor/profile/measure_profile.hpp>
#include <executor/profile/other_load.hpp>
#include <executor/workers/heartbeat.hpp>

#include <algorithm>
#include <chrono>

namespace chimera::executor {

namespace {

constexpr int rounds_least = 3, rounds_wanted = 8;

void check_memory(const profile_request& wanted, int copies) {
    double need = 0;
    for (const int b : wanted.sequences) need += probe_bytes(wanted, b, copies);
    // The timed passes and what they leave behind may use 70 % of it.
    check_room(need / 0.7 + program_bytes, "the measurement",
               "give fewer or smaller --sequences, fewer --tokens or a smaller model");
}

double middle(const std::vector<profile>& all, double profile::*member) {
    std::vector<double> values;
    for (const profile& each : all) values.push_back(each.*member);
    return median(std::move(values));
}

/// As many rounds as fit into the time, three at least unless they take twice as long.
void run_rounds(const profile_request& wanted, std::vector<std::unique_ptr<batch_probes>>& all, std::size_t count,
                heartbeat& talk) {
    using clock = std::chrono::steady_clock;
    const auto start = clock::now();
    const auto since = [&] { return std::chrono::duration<double>(clock::now() - start).count(); };
    const double each = wanted.seconds / static_cast<double>(count) / rounds_wanted / 1.5;  // warming up takes time too
    const auto goes_on = [&](int round) {
        if (round <= rounds_least) return round == 1 || since() < 2 * wanted.seconds;
        return since() < wanted.seconds * (1 - 0.5 / rounds_wanted);
    };
    for (int round = 1; goes_on(round); ++round) {
        talk.begin("round " + std::to_string(round));
        for (auto& one : all) one->round(each);
        talk.line("round " + std::to_string(round) + " of " + std::to_string(count) + " programs, " +
                  std::to_string(static_cast<int>(since() + 0.5)) + " s of about " +
                  std::to_string(static_cast<int>(wanted.seconds + 0.5)));
    }
}

}  // namespace

profile measure_profile(const profile_request& wanted) {
    const int cores = wanted.cores > 0 ? wanted.cores : usable_cores();
    const int at_once = workers_at_once(cores, wanted.threads);
    const int copies = std::min(at_once, wanted.workers.back());
    check_memory(wanted, copies);
    heartbeat talk(wanted.say);
    talk.begin("setting up what is measured");
    std::vector<std::unique_ptr<batch_probes>> all;
    std::size_t count = 0;
    for (const int b : wanted.sequences) {
        all.push_back(std::make_unique<batch_probes>(wanted, b, at_once, copies));
        count += all.back()->count();
    }
    const other_load others;
    run_rounds(wanted, all, count, talk);
    std::vector<profile> totals;
    for (const auto& one : all) totals.push_back(one->totals());
    profile made = totals.front();
    for (const auto member :
         {&profile::update, &profile::update_versions, &profile::norm, &profile::reduce_latency, &profile::reduce_byte})
        made.*member = middle(totals, member);
    for (const profile& one : totals) made.spread = std::max(made.spread, one.spread);
    made.model = wanted.model;
    made.tokens = wanted.tokens;
    made.cores = cores;
    made.threads = wanted.threads;
    made.bf16 = wanted.bf16;
    made.other_load = others.share();
    for (const auto& one : all) made.batches.push_back(one->result());
    for (std::size_t b = 0; b < all.size(); ++b) all[b]->calibrate(made, b);
    return made;
}

}  // namespace chimera::executor
