// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "deferred.hpp"
#include "rigs.hpp"

#include <executor/engine/engine.hpp>

#include <map>
#include <memory>
#include <utility>

namespace fake {

/// A program on streams: toy stages, their calls and the loop's stamps deferred.
template <typename Rig>
struct streamed {
    streamed(const chimera::program& p, chimera::executor::local_mode mode, unsigned seed, int updates = 1)
        : rig(p.head.workers, mode, seed) {
        chimera::executor::engine_options options;
        options.watchdog_seconds = 30;
        options.work_queues = [this](int worker) { return std::make_unique<work_queue>(on(worker)); };
        const chimera::executor::stage_lookup lookup = [this, stages = p.head.stages, updates](int worker, int s) {
            auto& held = plain[{worker, s}];
            if (!held) {
                held = std::make_unique<toy::stage>(s, stages);
                held->updates_per_iteration = updates;
                deferred[{worker, s}] = std::make_unique<deferred_stage>(*held, on(worker));
            }
            return deferred[{worker, s}].get();
        };
        run = std::make_unique<chimera::executor::engine>(p, lookup, rig.ends(), options);
    }
    ~streamed() {
        for (auto& s : rig.streams) s.finish();
    }
    stream& on(int worker) { return rig.streams[static_cast<std::size_t>(worker)]; }

    Rig rig;
    std::map<std::pair<int, int>, std::unique_ptr<toy::stage>> plain;
    std::map<std::pair<int, int>, std::unique_ptr<deferred_stage>> deferred;
    std::unique_ptr<chimera::executor::engine> run;
};

}  // namespace fake
