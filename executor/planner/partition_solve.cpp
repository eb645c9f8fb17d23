// SPDX-License-Identifier: Apache-2.0
#include <chimera/memory/memory_timeline.hpp>
#include <chimera/partition/heterogeneous.hpp>
#include <chimera/partition/memory_bounded.hpp>
#include <chimera/partition/mode_per_stage.hpp>
#include <chimera/partition/shared_workers/shared.hpp>
#include <chimera/render/memory_text.hpp>

#include <executor/planner/partition_needs.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <utility>

namespace chimera::executor {

namespace {

constexpr recompute_mode all_modes[] = {recompute_mode::none, recompute_mode::selective, recompute_mode::layers,
                                        recompute_mode::full};

class solver {
public:
    explicit solver(const partition_job& job)
        : job_(job), needs_(job), head_(job.order.head), stages_(head_.stages),
          layers_(static_cast<int>(job.what.layers.size())) {}

    partition_answer solve() {
        partition_answer out;
        out.order.resize(static_cast<std::size_t>(head_.workers));
        std::iota(out.order.begin(), out.order.end(), 0);
        if (!job_.cuts.empty() || job_.blocks)
            keep(out);
        else if (!job_.speeds.empty())
            unlike(out);
        else
            search(out);
        return out;
    }

private:
    static std::size_t at(int i) { return static_cast<std::size_t>(i); }

    std::vector<recompute_mode> wanted() const {
        if (job_.recompute) return {*job_.recompute};
        return {std::begin(all_modes), std::end(all_modes)};
    }

    /// Fills in what follows from cuts and modes; whether every worker holds its share.
    bool finish(partition_answer& out) const {
        const double unit = static_cast<double>(job_.samples) / head_.micro_batch_parts;
        const std::vector<stage_bytes> bytes = chimera::bytes_of(job_.what, out.cuts, unit);
        std::vector<stage_memory> held;
        out.stages.clear();
        for (int s = 0; s < stages_; ++s) {
            const recompute_mode mode = out.modes[at(s)];
            held.push_back(
                memory_of(bytes[at(s)], job_.what.bytes, mode, 0, 1, weight_versions(head_, s), needs_.split()));
            const std::vector<double> each = needs_.seconds_in(mode);
            out.stages.push_back(
                std::accumulate(each.begin() + out.cuts[at(s)], each.begin() + out.cuts[at(s) + 1], 0.0));
        }
        out.workers.clear();
        out.memory.clear();
        bool good = true;
        for (int w = 0; w < head_.workers; ++w) {
            double sum = 0;
            for (const slot& x : job_.order.view().row(w))
                if (x.op == pass::forward) sum += out.stages[x.stage] * x.count;
            const double speed = job_.speeds.empty() ? 1 : job_.speeds[at(out.order[at(w)])];
            out.workers.push_back(sum / head_.units() / speed);
            out.memory.push_back(memory_peak(job_.order, w, held));
            good = good && out.memory.back() <= job_.memory;
        }
        return good;
    }
    void set_modes(partition_answer& out, recompute_mode mode) const { out.modes.assign(at(stages_), mode); }

    /// A cut that is given: the first mode that fits.
    void keep(partition_answer& out) {
        out.cuts = job_.blocks ? by_blocks() : job_.cuts;
        for (const recompute_mode mode : wanted()) {
            set_modes(out, mode);
            if (finish(out)) return;
        }
        const auto fullest = std::max_element(out.memory.begin(), out.memory.end());
        lack(*fullest - job_.memory, "worker " + std::to_string(fullest - out.memory.begin()) + " with this cut", "");
    }
    /// Gives each stage as many blocks, one more for the first ones; what comes before goes with the first
    /// block, what comes after with the last.
    std::vector<int> by_blocks() const {
        std::vector<int> blocks, out{0};
        for (int l = 0; l < layers_; ++l)
            if (job_.what.layers[at(l)].kind == layer_kind::block) blocks.push_back(l);
        const int count = static_cast<int>(blocks.size());
        if (count < stages_)
            refuse(std::to_string(stages_) + " stages are more than the " + std::to_string(count) +
                   " blocks (--cut blocks gives each at least one) use fewer stages or --cut best");
        for (int s = 1; s < stages_; ++s)
            out.push_back(blocks[at(s * (count / stages_) + std::min(s, count % stages_))]);
        out.push_back(layers_);
        return out;
    }

    void unlike(partition_answer& out) {
        if (!needs_.one_each())
            refuse("--speeds does not apply to this family (its workers hold several stages) use a linear one");
        std::string text;
        double missing = 0;
        for (const recompute_mode mode : wanted()) {
            const mode_lists& of = needs_.lists.at(mode);
            const std::vector<double> seconds = needs_.seconds_in(mode), state = needs_.with_once(of);
            std::vector<device> workers;
            double most = 0;
            for (int s = 0; s < stages_; ++s)
                most = std::max(most, needs_.reserved[at(s)] + needs_.in_flight[at(s)] * of.each + of.whole);
            for (const double speed : job_.speeds) workers.push_back({speed, std::max(0.0, job_.memory - most), 0});
            const layer_needs needs{seconds, state, of.bytes, needs_.in_flight, {}};
            const device_partition found = job_.any_order ? best_order(needs, workers) : heterogeneous(needs, workers);
            if (!found.fits()) {
                missing = heterogeneous(needs, workers).missing;
                continue;
            }
            out.cuts = found.cuts;
            out.order = found.order;
            out.bound = found.seconds;
            out.optimal = true;
            set_modes(out, mode);
            finish(out);
            return;
        }
        lack(missing, "a worker in the best of all cuts", advice());
    }

    /// The best of what each mode allows: the cut without limits where it fits after all, and one under limits that
    /// bound the memory from above. Proven where nothing is slower than the cut without limits and extra work.
    void search(partition_answer& out) {
        std::optional<partition_answer> best;
        double missing = unbounded, bound = 0;
        const auto consider = [&](partition_answer found) {
            found.order = out.order;
            if (!finish(found)) return;
            const auto slowest = [](const std::vector<double>& of) { return *std::max_element(of.begin(), of.end()); };
            const auto rank = [&](const partition_answer& of) {
                return std::pair(slowest(of.workers), slowest(of.stages));
            };
            if (!best || rank(found) < rank(*best)) best = std::move(found);
        };
        for (const recompute_mode mode : wanted()) {
            partition_answer found;
            const double low = free(mode, found);
            if (mode == wanted().front()) bound = low;
            consider(std::move(found));
            if (best && mode == wanted().front()) break;
        }
        if (!best || best->modes.front() != wanted().front()) {
            if (needs_.one_each())
                missing = limited(consider);
            else
                missing = shared(consider);
        }
        if (!best) lack(missing, "a worker in the best cut of all", advice());
        out = *best;
        out.bound = bound;
        out.optimal = *std::max_element(out.workers.begin(), out.workers.end()) <= bound * (1 + 1e-12);
    }
    /// The best cut without limits; what its slowest worker has at least.
    double free(recompute_mode mode, partition_answer& out) const {
        const std::vector<double> seconds = needs_.seconds_in(mode);
        set_modes(out, mode);
        if (needs_.one_each()) {
            out.cuts = partition(seconds, stages_);
            return bottleneck(seconds, out.cuts);
        }
        const coupled_partition found = coupled(seconds, needs_.on, labels);
        out.cuts = found.cuts;
        return found.bound * needs_.per_worker();
    }
    template <class Consider>
    double limited(Consider consider) const {
        std::vector<stage_mode> modes;
        for (const recompute_mode mode : wanted()) modes.push_back(needs_.lists.at(mode).view());
        const stagewise_partition found =
            partition_stagewise(needs_.weights, stages_,
                                {needs_.state, modes, needs_.in_flight, job_.memory, needs_.reserved, needs_.versions});
        if (!found.fits()) return found.missing;
        partition_answer out;
        out.cuts = found.cuts;
        for (const std::uint8_t m : found.modes) out.modes.push_back(wanted()[m]);
        consider(std::move(out));
        return 0;
    }
    template <class Consider>
    double shared(Consider consider) const {
        double missing = unbounded;
        for (const recompute_mode mode : wanted()) {
            const coupled_partition found = shared_cut(mode, needs_.in_flight, job_.memory);
            if (found.fits())
                consider(with_cuts(found.cuts, mode));
            else
                missing = std::min(missing, found.missing);
            double room = job_.memory;
            for (int attempt = 0; attempt < 6 && room > 0; ++attempt) {  // closer to the real peak, but not above it
                const coupled_partition close = shared_cut(mode, needs_.together, room);
                if (!close.fits()) break;
                partition_answer out = with_cuts(close.cuts, mode);
                const bool good = finish(out);
                consider(out);
                if (good) break;
                room -= *std::max_element(out.memory.begin(), out.memory.end()) - job_.memory;
            }
        }
        return missing;
    }
    partition_answer with_cuts(const std::vector<int>& cuts, recompute_mode mode) const {
        partition_answer out;
        out.order.resize(at(head_.workers));
        std::iota(out.order.begin(), out.order.end(), 0);
        out.cuts = cuts;
        set_modes(out, mode);
        return out;
    }
    coupled_partition shared_cut(recompute_mode mode, const std::vector<double>& in_flight, double room) const {
        const mode_lists& of = needs_.lists.at(mode);
        std::vector<double> reserved = needs_.reserved;
        for (int s = 0; s < stages_; ++s) reserved[at(s)] += in_flight[at(s)] * of.each + of.whole;
        const std::vector<double> seconds = needs_.seconds_in(mode), state = needs_.with_once(of);
        const std::vector<double> bytes = of.bytes.empty() ? std::vector<double>(state.size(), 0) : of.bytes;
        return coupled(seconds, needs_.on, {state, bytes, in_flight, room, reserved}, labels);
    }
    /// Returns the changes that would do besides more memory.
    std::string advice() const {
        std::string out = ", more stages";
        if (job_.recompute == recompute_mode::none || job_.recompute == recompute_mode::selective)
            out += " or --recompute auto";
        return out;
    }
    [[noreturn]] void lack(double bytes, const std::string& who, const std::string& else_) const {
        std::string have, lacks, enough;
        format::put_bytes(have, job_.memory);
        format::put_bytes(lacks, bytes);
        format::put(enough, static_cast<std::int64_t>(std::min(9e18, std::ceil(job_.memory + bytes))));
        refuse(std::string(job_.what.name.view()) + " does not fit workers of " + have + " (" + who + " lacks " +
               lacks + ") use --memory " + enough + " or more" + else_);
    }

    static constexpr std::size_t labels = 256;  // of a search over loops: some tenths of a second
    const partition_job& job_;
    partition_needs needs_;
    shape head_;
    int stages_, layers_;
};

}  // namespace

partition_answer solve(const partition_job& job) { return solver(job).solve(); }

}  // namespace chimera::executor
