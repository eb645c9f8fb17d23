// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace chimera::executor::detail {

/// Threads that do one worker's operations together: the caller and size - 1 helpers. They start with the first call;
/// between calls they look for the next one for some microseconds, then sleep.
class team {
public:
    explicit team(int size) : size_(size) {}
    ~team();
    team(const team&) = delete;
    team& operator=(const team&) = delete;

    int size() const { return size_; }

    /// Calls work(i) for each i below size, 0 on the caller's thread, and returns when all have ended. Throws the first
    /// thing that one of them threw.
    template <class Work>
    void run(const Work& work) {
        if (size_ == 1) return work(0);
        together([](const void* what, int i) { (*static_cast<const Work*>(what))(i); }, &work);
    }

    /// Calls work(first, count) for parts of n things, one a thread, cut at multiples of `grain`; few things are one
    /// part.
    template <class Work>
    void share(std::size_t n, std::size_t grain, const Work& work) {
        if (size_ == 1 || n <= grain) return n > 0 ? work(std::size_t{0}, n) : void();
        const std::size_t grains = (n + grain - 1) / grain, threads = static_cast<std::size_t>(size_);
        const std::size_t each = (grains + threads - 1) / threads * grain;
        run([&](int i) {
            const std::size_t first = static_cast<std::size_t>(i) * each;
            if (first < n) work(first, n - first < each ? n - first : each);
        });
    }

private:
    using call = void (*)(const void* what, int i);

    void together(call how, const void* what);
    void start();
    void dismiss();
    void help(int i, unsigned seen);
    void attempt(int i) noexcept;

    const int size_;
    std::vector<std::thread> helpers_;
    alignas(64) std::atomic<unsigned> round_{0};  ///< calls so far
    alignas(64) std::atomic<int> busy_{0};        ///< helpers that have not ended the present one
    call how_ = nullptr;                          ///< null: go home
    const void* what_ = nullptr;
    std::mutex failing_;
    std::exception_ptr failure_;
};

}  // namespace chimera::executor::detail
