// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/frame.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace chimera::executor::detail {

/// Buffers that come back: an iteration needs the same sizes as the one before it. Any thread may call.
class buffers {
public:
    blob take(std::size_t bytes) {
        {
            const std::lock_guard lock(mutex_);
            if (const auto found = unused_.find(bytes); found != unused_.end() && !found->second.empty()) {
                blob one = std::move(found->second.back());
                found->second.pop_back();
                return one;
            }
        }
        return blob(bytes);
    }
    blob copy_of(std::span<const std::byte> data) {
        blob one = take(data.size());
        std::ranges::copy(data, one.begin());
        return one;
    }
    void give(blob&& one) {
        const std::lock_guard lock(mutex_);
        unused_[one.size()].push_back(std::move(one));
    }

private:
    std::mutex mutex_;
    std::map<std::size_t, std::vector<blob>> unused_;
};

}  // namespace chimera::executor::detail
