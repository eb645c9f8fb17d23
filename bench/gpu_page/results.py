# SPDX-License-Identifier: Apache-2.0
"""Chimera's measurements beside the peer's."""

from gpu_page import logs
from gpu_page.words import divided, number


def key(entry):
    """Names the work: the same for both."""
    if entry["suite"] == "model":
        return ("model", entry.get("name"), entry.get("sequences"), entry.get("micro_batches"))
    kind = entry.get("kind", "gpt2")
    return (kind, entry.get("name") if kind == "llama" else None, entry.get("channels"), entry.get("sequences"), entry.get("tokens"))


def label(of):
    if of[0] == "model":
        return f"GPT-2 {of[1]}, {of[3]} × {of[2]} sequences"
    name = f"LLaMA {of[1]} block" if of[0] == "llama" else "GPT-2 block"
    return f"{name}, {of[2]} channels, {of[3]} × {of[4]} tokens"


class Pairs:
    """`ours`, `peer`: the fastest line of each piece of work; `tried`: all of the peer's, those refused too."""

    def __init__(self, read):
        self.ours, self.peer, self.tried = {}, {}, {}
        for suite in ("block", "model"):
            for entry in logs.entries(read, "ours", suite):
                if number(entry, "seconds"):
                    self.ours[key(entry)] = entry  # a suite run again: the later
            for entry in logs.entries(read, "peer", suite):
                self.tried.setdefault(key(entry), []).append(entry)
        for name, entries in self.tried.items():
            done = [entry for entry in entries if number(entry, "seconds")]
            if done:
                self.peer[name] = min(done, key=lambda entry: entry["seconds"])

    def rows(self, kind):
        """(key, ours or None, peer's or None) of "gpt2", "llama" or "model"; in the order of measuring, ours first."""
        names = [name for name in dict.fromkeys([*self.ours, *self.tried]) if name[0] == kind]
        return [(name, self.ours.get(name), self.peer.get(name)) for name in names]

    def ratio(self, name):
        """The peer's time over ours, or None: above 1 chimera is faster."""
        return divided(number(self.peer.get(name), "seconds"), number(self.ours.get(name), "seconds"))

    def ratio_with_masters(self, name):
        """The same to the fastest of its ways that keep fp32 weights, as chimera does."""
        kept = [number(entry, "seconds") for entry in self.tried.get(name, []) if entry.get("precision") == "autocast"]
        kept = [seconds for seconds in kept if seconds]
        return divided(min(kept) if kept else None, number(self.ours.get(name), "seconds"))
