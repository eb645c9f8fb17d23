// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/profile/measure_profile.hpp>
#include <executor/profile/probe.hpp>

#include <memory>
#include <vector>

namespace chimera::executor {

/// The programs that measure one size of micro-batch.
class batch_probes {
public:
    /// `cores`: for one worker each, that workers share; `copies`: of the small model, all busy at once.
    batch_probes(const profile_request& wanted, int sequences, int cores, int copies);

    std::size_t count() const;
    void round(double seconds_each);

    profiled_batch result() const;
    /// Compares the pipelines with what the profile says of them so far, and has it say what they took.
    void calibrate(profile& all, std::size_t which) const;
    /// Returns what does not depend on the micro-batch; leaves out model, tokens, cores and batches.
    profile totals() const;

private:
    /// Micro-batches forward before the first backward.
    struct depth {
        int micro_batches = 0;
        std::unique_ptr<probe> whole, split;
    };
    /// Copies of the small model, busy at once.
    struct crowd {
        int copies = 0;
        std::unique_ptr<ground> on;
        std::vector<depth> depths;
        double activations = 0;  ///< bytes of one micro-batch in each copy
    };
    struct pipeline {
        std::unique_ptr<ground> on;
        std::unique_ptr<probe> run;
    };

    crowd make_crowd(const profile_request& wanted, int copies, int cores, int step) const;
    std::vector<profiled_passes> passes_of(const crowd& from) const;
    void add_pipeline(const profile_request& wanted, int workers, int cores, bool versions);
    by_kind by_stage(const per_stage& each) const;

    unit_shape unit_;
    double boundary_bytes_;
    crowd alone_;    ///< as many copies as cores
    crowd crowded_;  ///< as many as the most workers; none where these have a core each
    std::unique_ptr<probe> recomputing_;
    std::vector<pipeline> pipelines_;
    pipeline versions_;  ///< one that keeps old weights
};

/// Bytes that the probes of one micro-batch size take, about: weights with their state, and activations.
double probe_bytes(const profile_request& wanted, int sequences, int copies);

}  // namespace chimera::executor
