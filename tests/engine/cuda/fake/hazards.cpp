// SPDX-License-Identifier: Apache-2.0

// What a GPU does not forgive while a call of NCCL waits on it for another rank.

#include "tests/engine/cuda/fake/fake.hpp"

#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace fake {
namespace {

std::mutex mutex;
std::string found;
std::set<std::pair<int, const void*>> loaded;
std::map<void*, int> places;

}  // namespace

bool (*waits_for_others)(int gpu) = nullptr;

std::string hazards() {
    const std::lock_guard lock(mutex);
    return found;
}

void forget_hazards() {
    const std::lock_guard lock(mutex);
    found.clear();
}

void note_hazard(const std::string& what) {
    const std::lock_guard lock(mutex);
    found += what + "\n";
}

void forget_code() {
    const std::lock_guard lock(mutex);
    loaded.clear();
}

void place(void* stream, int gpu) {
    const std::lock_guard lock(mutex);
    places[stream] = gpu;
}

int gpu_of(void* stream) {
    const std::lock_guard lock(mutex);
    const auto at = places.find(stream);
    return at == places.end() ? -1 : at->second;
}

bool may_wait_for_all(int gpu, const char* what) {
    if (gpu < 0 || !waits_for_others || !waits_for_others(gpu)) return true;
    note_hazard(std::string(what) + " while a call of NCCL on GPU " + std::to_string(gpu) + " waits for another rank");
    return false;
}

void load(void* stream, const void* code) {
    const int gpu = gpu_of(stream);
    {
        const std::lock_guard lock(mutex);
        if (loaded.contains({gpu, code})) return;
    }
    if (!may_wait_for_all(gpu, "a kernel is launched for the first time")) throw std::logic_error(hazards());
    const std::lock_guard lock(mutex);
    loaded.emplace(gpu, code);
}

}  // namespace fake
