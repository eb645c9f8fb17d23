// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/io/read_csv.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace chimera::test {

/// The one line with which a file is refused; `accepted` where it is not.
inline std::string csv_refusal(std::string_view text) {
    try {
        (void)read_csv(text);
    } catch (const chimera_error& e) {
        EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
        return e.what();
    }
    return "accepted";
}

/// Expects all that csv holds to be alike: neither the family's name, nor when weights change, is held.
inline void expect_same(const schedule& read, const schedule& written, const std::string& what) {
    shape head = written.head;
    head.family = "custom";
    head.update = update_rule::flushed;
    head.update_every = 0;
    EXPECT_EQ(read.head, head) << what;
    EXPECT_EQ(read.placement, written.placement) << what;
    EXPECT_EQ(read.offsets, written.offsets) << what;
    EXPECT_EQ(read.entries, written.entries) << what;
}

}  // namespace chimera::test
