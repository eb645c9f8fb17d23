// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace chimera::executor {

/// The share of the machine that other programs use, from when the object was made.
class other_load {
public:
    other_load();
    /// Share of all cores' time, 0 to 1; 0 where the system does not say. Its clock ticks 100 times a second.
    double share() const;

private:
    struct times {
        double busy = 0, all = 0, own = 0;  ///< seconds of all cores together
    };
    static times now();

    times start_;
};

}  // namespace chimera::executor
