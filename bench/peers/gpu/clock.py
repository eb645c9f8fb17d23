# SPDX-License-Identifier: Apache-2.0
"""Times as bench_gpu takes them: medians (the mean of the middle two of an even count) and spreads. Needs no PyTorch until a GPU is timed."""

import gc
import statistics
import time


def summary(seconds):
    """Of the seconds of single calls: their median, and slowest less fastest as a part of it."""
    median = statistics.median(seconds)
    return {"seconds": median, "spread": (max(seconds) - min(seconds)) / median}


class Place:
    """Where the work runs: "cuda" or "cpu"."""

    def __init__(self, torch, device):
        self.torch, self.device, self.gpu = torch, device, device == "cuda"
        self.name = torch.cuda.get_device_name() if self.gpu else "CPU"

    def wait(self):
        if self.gpu:
            self.torch.cuda.synchronize()

    def free(self):
        """Gives back what nothing holds any more, and begins to count memory."""
        gc.collect()
        if self.gpu:
            self.torch.cuda.empty_cache()
            self.torch.cuda.reset_peak_memory_stats()

    def memory(self):
        """The most since free(): bytes in tensors, and bytes that PyTorch's allocator held for them."""
        if not self.gpu:
            return {}
        return {"bytes": self.torch.cuda.max_memory_allocated(), "reserved_bytes": self.torch.cuda.max_memory_reserved()}

    def call_by_host(self, run):
        """Seconds of a call by the host's clock, all of its work done."""
        start = time.perf_counter()
        run()
        self.wait()
        return time.perf_counter() - start

    def call_by_events(self, run):
        """Seconds of a call by the GPU's own clock, as bench_gpu times products and blocks; on a CPU the host's."""
        if not self.gpu:
            return self.call_by_host(run)
        begin, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3

    def timed(self, run, warm, count, call):
        """summary() of `count` calls. The first call, which compiles, is a warm-up; memory is counted from its end on."""
        run()
        self.wait()
        self.free()
        for _ in range(warm - 1):
            run()
        self.wait()
        return {**summary([call(run) for _ in range(count)]), **self.memory()}
