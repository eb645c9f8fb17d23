# SPDX-License-Identifier: Apache-2.0
"""Tables of what bench_gpu alone measures: products, graphs, loopback."""

from gpu_page import logs
from gpu_page.words import DASH, divided, figure, milliseconds, number, rate, share, spread, table, tera


def product_cell(entry, peak):
    value = rate(entry)
    return DASH if value is None else f"{tera(value)} ({share(value, peak)})" if peak else tera(value)


def products(read, peak):
    shapes = {}
    for entry in logs.entries(read, "ours", "product"):
        shape = tuple(entry.get(side) for side in ("rows", "inputs", "outputs"))
        shapes.setdefault(shape, {})[entry.get("what")] = entry
    rows = [[" × ".join(str(side) for side in shape), *(product_cell(found.get(what), peak) for what in ("y", "dx", "dw")),
             ", ".join(spread(found.get(what)) for what in ("y", "dx", "dw"))] for shape, found in shapes.items()]
    return ["## Products", "", "2 · rows · inputs · outputs FLOP; TFLOP/s and share of the peak; y with its bias, dw with the bias's gradient.", "",
            *(table(["rows × inputs × outputs", "y", "dx", "dw", "spreads"], "lrrrr", rows) or ["No products were measured.", ""])]


def graph_row(entry):
    plain, whole, events = (number(entry, f"{key}_seconds") for key in ("plain", "graph", "events"))
    return [str(entry.get("name", DASH)), milliseconds(entry, "plain_seconds"), milliseconds(entry, "graph_seconds"),
            figure(divided(plain, whole), "{:.3f}"), milliseconds(entry, "events_seconds"), figure(divided(whole, events), "{:.3f}")]


def graph(read):
    rows = [graph_row(entry) for entry in logs.entries(read, "ours", "graph")]
    head = ["GPT-2", "plain ms", "graph ms", "plain / graph", "events ms", "host's clock / events"]
    return ["## An iteration as one graph", "", "The same training step as single launches and as one CUDA graph; events: what the GPU says that the "
            "graph took.", "", *(table(head, "lrrrrr", rows) or ["No graph was measured.", ""])]


def loopback_row(entry):
    one = divided(number(entry, "seconds"), number(entry, "alone_seconds"))
    return [str(entry.get("family", DASH)), str(entry.get("workers", DASH)), milliseconds(entry), milliseconds(entry, "alone_seconds"),
            figure(one, "{:.3f}"), spread(entry)]


def loopback(read):
    rows = [loopback_row(entry) for entry in logs.entries(read, "ours", "loopback")]
    head = ["family", "workers", "ms", "one worker ms", "of one worker's time", "spread"]
    return ["## Pipelines on one GPU", "", "Workers share the GPU, so a pipeline can be no faster than one worker but for gaps that others fill: "
            "near 1 is good.", "", *(table(head, "lrrrrr", rows) or ["No pipeline was measured.", ""])]
