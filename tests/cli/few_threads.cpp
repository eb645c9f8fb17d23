// SPDX-License-Identifier: Apache-2.0
// Preloaded by limits.sh: only so many threads can be started as CHIMERA_TEST_THREADS says, as under a container's
// pids.max. Ended threads are not given back, which is stricter.

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*code)(void*),
                              void* argument) noexcept {
    static std::atomic<int> made{0};
    using creator = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    const auto real = reinterpret_cast<creator>(dlsym(RTLD_NEXT, "pthread_create"));
    const char* most = std::getenv("CHIMERA_TEST_THREADS");
    if (most != nullptr && made++ >= std::atoi(most)) return EAGAIN;
    return real(thread, how, code, argument);
}
