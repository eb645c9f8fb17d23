# SPDX-License-Identifier: Apache-2.0
"""Figures as the page writes them. What is missing, no number or not finite is written as a dash."""

import math
import re

DASH = "–"


def number(entry, key):
    """A positive finite number, or None: zero stands for unknown in peaks, bytes and times alike."""
    value = (entry or {}).get(key)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    return float(value) if good else None


def spread(entry):
    value = (entry or {}).get("spread")
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    return f"{100 * value:.1f} %" if good else DASH


def figure(value, form="{:.1f}"):
    return DASH if value is None else form.format(value)


def divided(a, b):
    return None if a is None or not b else a / b


def milliseconds(entry, key="seconds"):
    value = number(entry, key)
    return DASH if value is None else f"{1e3 * value:.2f}"


def rate(entry):
    """FLOP/s, or None."""
    return divided(number(entry, "flops"), number(entry, "seconds"))


def tera(value):
    return DASH if value is None else f"{1e-12 * value:.0f}"


def share(value, of):
    part = divided(value, of)
    return DASH if part is None else f"{100 * part:.1f} %"


def gib(entry, key):
    value = number(entry, key)
    return DASH if value is None else f"{value / 2**30:.1f}"


def pair(a, b):
    """Ours and the peer's in one cell."""
    return f"{a}, {b}"


def cell(text):
    """Text that may stand anywhere, in cells of tables too: one line, and nothing in it is Markdown or HTML."""
    return re.sub(r"([*`|\[\]\\]|__|~~)", r"\\\1", " ".join(str(text).split())).replace("<", "&lt;")


def code(text):
    """Text as it was printed, outside tables."""
    return "`" + " ".join(str(text).replace("`", "'").split()) + "`"


def table(head, align, rows):
    """Lines of a table; `align` has one of l and r for each column. No rows: nothing."""
    if not rows:
        return []
    marks = {"l": "---", "r": "---:"}
    return [f"| {' | '.join(head)} |", f"|{'|'.join(marks[a] for a in align)}|", *(f"| {' | '.join(row)} |" for row in rows), ""]


def counted(count, what, many=None):
    return f"{count} {what if count == 1 else many or what + 's'}"
