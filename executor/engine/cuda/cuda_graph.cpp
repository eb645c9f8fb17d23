// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/cuda_check.hpp>
#include <executor/engine/cuda/cuda_graph.hpp>

#include <atomic>
#include <string_view>

namespace chimera::executor {
namespace {

using detail::check;

std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

class cuda_graph final : public replay {
public:
    explicit cuda_graph(std::vector<cuda_stream*> all) : all_(std::move(all)), origin_(all_.at(0)->gpu()) {
        check(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming), "making an event");
        for (std::size_t i = 0; i < all_.size(); ++i) {
            joins_.push_back(nullptr);
            check(cudaEventCreateWithFlags(&joins_.back(), cudaEventDisableTiming), "making an event");
        }
    }
    ~cuda_graph() override {
        forget();
        for (cudaEvent_t event : joins_) cudaEventDestroy(event);
        cudaEventDestroy(fork_);
    }
    cuda_graph(const cuda_graph&) = delete;
    cuda_graph& operator=(const cuda_graph&) = delete;

    /// Threads record on streams of their own, and some of what they call besides is none of the graph's business.
    void begin() override {
        use();
        forget();
        check(cudaStreamBeginCapture(origin(), cudaStreamCaptureModeRelaxed), "recording an iteration");
        const std::uint64_t number = next_number();
        check(cudaEventRecord(fork_, origin()), "recording an iteration");
        for (cuda_stream* one : all_) {
            check(cudaStreamWaitEvent(handle(*one), fork_, 0), "recording an iteration");
            one->enter(number);
        }
    }

    void end() override {
        use();
        join();
        for (cuda_stream* one : all_) one->enter(0);
        check(cudaStreamEndCapture(origin(), &graph_), "recording an iteration");
        check(cudaGraphInstantiate(&runnable_, graph_, 0), "making a graph of an iteration");
        check(cudaGraphUpload(runnable_, origin()), "making a graph of an iteration");
    }

    void drop() noexcept override {
        cudaSetDevice(origin_.gpu());
        for (cuda_stream* one : all_) one->enter(0);
        cudaStreamEndCapture(origin(), &graph_);  // an error here is that of the recording
        cudaGetLastError();
        forget();
    }

    /// One forbidden call spoils the recording for all streams.
    bool follows(const std::exception& what) const override {
        const std::string_view said = what.what();
        return said.find(cudaGetErrorString(cudaErrorStreamCaptureInvalidated)) != std::string_view::npos;
    }

    void launch() override {
        use();
        join();
        check(cudaGraphLaunch(runnable_, origin()), "launching an iteration");
    }

    void finish() override { check(cudaStreamSynchronize(origin()), "running an iteration"); }

private:
    static cudaStream_t handle(const cuda_stream& of) { return static_cast<cudaStream_t>(of.handle()); }
    cudaStream_t origin() const { return handle(origin_); }
    void use() const { check(cudaSetDevice(origin_.gpu()), "choosing a GPU"); }

    /// Orders the origin's work from here on after the work of all others so far.
    void join() {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            check(cudaEventRecord(joins_[i], handle(*all_[i])), "joining streams");
            check(cudaStreamWaitEvent(origin(), joins_[i], 0), "joining streams");
        }
    }

    void forget() noexcept {
        if (runnable_) cudaGraphExecDestroy(runnable_);
        if (graph_) cudaGraphDestroy(graph_);
        runnable_ = nullptr;
        graph_ = nullptr;
    }

    std::vector<cuda_stream*> all_;
    cuda_stream origin_;
    cudaEvent_t fork_ = nullptr;
    std::vector<cudaEvent_t> joins_;
    cudaGraph_t graph_ = nullptr;
    cudaGraphExec_t runnable_ = nullptr;
};

}  // namespace

std::unique_ptr<replay> make_cuda_graph(std::vector<cuda_stream*> all) {
    return std::make_unique<cuda_graph>(std::move(all));
}

}  // namespace chimera::executor
