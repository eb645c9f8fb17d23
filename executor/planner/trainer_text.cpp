// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/plan_text.hpp>

#include <executor/planner/trainer_words.hpp>

#include <algorithm>
#include <cctype>

namespace chimera::executor {

bool is_trainer(std::string_view format) {
    return format == "megatron" || format == "torchtitan" || format == "deepspeed";
}

trainer_answer trainer_text(std::string_view format, const trainer_plan& of) {
    if (of.task.training)
        refuse("--format " + std::string(format) +
               " does not apply to a job (chimera train runs that itself) plan for a model");
    if (format != "megatron" && uses_fp8(of.task.what))
        refuse("products in 8 bits are not written for " + std::string(format) +
               " (its models choose them themselves) give --format megatron, or leave them out");
    if (const std::int64_t samples = of.task.asked.samples; of.with.samples() != samples) {
        const std::int64_t each = std::int64_t{of.with.width} * of.with.micro_batch;
        refuse(std::to_string(samples) +
               " samples make unequal micro-batches in this plan (frameworks run equal ones) " + "give " +
               chimera::detail::samples_that_divide(samples, each) + " samples");
    }
    return format == "megatron" ? megatron_text(of) : format == "torchtitan" ? torchtitan_text(of) : deepspeed_text(of);
}

namespace trainer {

namespace {

/// The family among `known` that comes closest: of the same kind of placement, as far as there is one.
const family_word& closest(std::span<const family_word> known, family which) {
    const family_traits& facts = traits_of(which);
    const bool folded = facts.placement == placement_rule::folded;
    for (const family wanted : {which == family::dualpipe ? family::dualpipe_v : which,
                                facts.splits_backward ? (folded ? family::zb_v : family::zb_interleaved) : which,
                                facts.stages_per_worker > 1 ? family::interleaved : family::one_f_one_b})
        for (const family_word& each : known)
            if (each.which == wanted) return each;
    return known.front();
}

}  // namespace

const char* word_of(std::span<const family_word> known, family which, std::string_view framework) {
    std::string all;
    for (const family_word& each : known) {
        if (each.which == which) return each.word;
        format::put(all, all.empty() ? "" : ",", name(each.which));
    }
    refuse(std::string(framework) + " has no order like " + std::string(name(which)) + " (" +
           std::string(name(closest(known, which).which)) + " comes closest) plan with --families " + all +
           " or --family and one of them");
}

recompute_mode recompute_of_all(const configuration& with, std::string_view framework) {
    const recompute_mode first = with.recompute_of(0);
    for (int s = 1; s < with.schedule.stages; ++s)
        if (with.recompute_of(s) != first)
            refuse(std::string(framework) + " recomputes alike on all stages (in this plan stage 0 does it by " +
                   name(first) + ", stage " + std::to_string(s) + " by " + name(with.recompute_of(s)) +
                   ") plan with --recompute none,selective,layers");
    return first;
}

std::string heading(const trainer_plan& of, std::string_view mark) {
    using namespace chimera::detail;
    std::string out;
    put(out, mark, of.task.what.name.view(), ", ", of.task.asked.samples, " samples an iteration, by chimera plan:\n",
        mark, in_words(of.with, of.task.asked.samples), ",\n", mark, "recompute ", name(of.with.recompute), ", ZeRO ",
        of.with.zero, ", ", name(of.with.synchronisation), "; ", seconds_text(of.found.seconds), " s an iteration, ",
        gib(of.found.memory), " GiB on the fullest worker.\n");
    if (!of.found.fits()) put(out, mark, "It does not fit: a worker lacks ", gib(of.found.lacking), " GiB.\n");
    if (!of.task.on.speeds.empty())
        put(out, mark, "Workers differ: give the slow ones the last positions of every copy.\n");
    return out;
}

processes processes_of(const trainer_plan& of) {
    const int workers = of.with.workers(), each = of.task.on.workers_per_node;
    for (int here = std::min(workers, each); here > 0; --here)
        if (workers % here == 0 && workers / here <= of.task.on.nodes) return {workers / here, here};
    return {(workers + each - 1) / each, 0};
}

std::string harmless_name(const model& of) {
    std::string out(of.name.view());
    for (char& c : out)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-') c = '_';
    return out;
}

std::string joined(std::span<const std::string> words, std::string_view between) {
    std::string out;
    for (const std::string& word : words) format::put(out, out.empty() ? "" : between, word);
    return out;
}

}  // namespace trainer

}  // namespace chimera::executor
