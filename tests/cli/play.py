#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`chimera play` in a terminal of its own: keys go in, the screen is read, the terminal must be as it was afterwards.

Usage: play.py PROGRAM
       play.py PROGRAM --picture    writes docs/pictures/play.svg, the screen that docs/play.md shows
       play.py PROGRAM --times      prints how long a key takes to be answered
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.append("/usr/lib/python3/dist-packages")  # where Debian keeps python3-pyte, whichever Python this is
try:
    import pyte
except ImportError:
    print("skipped: pyte is missing (it reads the screen) install python3-pyte")
    sys.exit(77)

try:
    for end in pty.openpty():
        os.close(end)
except OSError as lacking:
    print(f"skipped: there are no terminals here ({lacking})")
    sys.exit(77)

program = os.path.abspath(sys.argv[1])
shown = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/pictures/play.svg")
failures = 0
UP, DOWN, RIGHT, LEFT, ENTER, ESCAPE = "\x1bOA", "\x1bOB", "\x1bOC", "\x1bOD", "\r", "\x1b"


def check(what, fine, shown=""):
    global failures
    if not fine:
        failures += 1
        print(f"FAILED: {what}\n{shown}")


class Terminal:
    """The program on a pseudo-terminal, and the screen that it draws there."""

    def __init__(self, rows=24, columns=80, arguments=(), term="screen-256color", folder=None, **environment):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.raw = b""
        variables = {**os.environ, "TERM": term, "LC_ALL": "C.UTF-8", **environment}
        self.process = subprocess.Popen([program, "play", *arguments], stdin=self.slave, stdout=self.slave,
                                        stderr=subprocess.PIPE, cwd=folder, env=variables, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def read(self, seconds):
        """Takes in what comes within so many seconds; True if anything did."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        part = os.read(self.master, 1 << 16)
        self.raw += part
        self.stream.feed(part.replace(b"\x1b(B", b""))
        return True

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, what, pattern, seconds=60):
        """Waits until the screen matches."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text()):
            if time.monotonic() > end or (self.process.poll() is not None and not self.read(0)):
                self.process.kill()
                raise AssertionError(f"{what}: no '{pattern}' on the screen\n{self.text()}")
            self.read(0.05)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def resize(self, rows, columns):
        self.screen.erase_in_display(2)  # nothing drawn before may pass for what comes now
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.process.pid, signal.SIGWINCH)

    def end(self, what, status=0, keys="", restored=True):
        """Presses the last keys; the program must end so and leave the terminal as it found it."""
        if keys:
            self.press(keys)
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        if self.process.poll() is None:
            self.process.kill()
            check(f"{what}: it does not end", False, self.text())
        self.process.wait()
        while self.read(0.05):
            pass
        said = self.process.stderr.read().decode()
        check(f"{what}: exit {self.process.returncode}, not {status}", self.process.returncode == status, said)
        if restored:
            check(f"{what}: the terminal's modes differ", termios.tcgetattr(self.slave) == self.before)
            check(f"{what}: no way back to the other screen", b"\x1b[?1049l" in self.raw or self.term_has_none())
            check(f"{what}: the cursor stays hidden", self.raw.rfind(b"\x1b[?25l") <= self.raw.rfind(b"\x1b[?25h"))
        os.close(self.master)
        os.close(self.slave)
        self.process.stderr.close()
        return said

    def term_has_none(self):
        return b"\x1b[?1049h" not in self.raw


def test_keys():
    t = Terminal()
    t.until("start", r"chimera play  4 stages on 4 workers, 4 micro-batches, 2 pipelines")
    t.until("advice", r"fastest pipeline")
    t.press(DOWN + RIGHT)
    t.until("stages move on to the next that fits", r"▸stages +6")
    t.press("5" + ENTER)
    t.until("the library refuses", r"stages must be even \(a pipeline and its mirror")
    t.press(ENTER)
    t.until("what fits", r"▸stages +(4|6)")
    t.press("f")
    t.until("another family", r"▸?family +interleaved")
    t.press("F" + DOWN + "16" + ENTER)
    t.until("micro-batches", r"on 6 workers, 16 micro-batches")
    t.press(DOWN + LEFT)
    t.until("a limit where the peak is", r"▸memory +\d")
    t.press("1" + ENTER)
    t.until("over the limit", r"the peak is .* \(--memory allows 1\)")
    t.press("0" + ENTER)
    t.until("no limit", r"▸memory +no limit")
    t.until("advice", r"fastest pipeline")
    t.press("a")
    t.until("taken", r"this is the fastest pipeline")
    t.press("e")
    t.until("the command", r"chimera schedule [a-z_]+ --stages \d+ --micro-batches 16")
    t.press("?")
    t.until("help", r"q Ctrl-C +leaves")
    t.press(ESCAPE)
    t.until("back", r"makespan")
    check("q says something", t.end("q", keys="q") == "")


def test_command_reproduces():
    with tempfile.TemporaryDirectory() as folder:
        t = Terminal(folder=folder, arguments=["zb_v", "--stages", "8", "--micro-batches", "8"])
        t.until("start", r"zb_v: 8 stages on 4 workers(.|\n)*q quit")
        makespan = re.search(r"makespan (\S+)", t.text()).group(1)
        t.press("s")
        t.until("saved", r"saved \S*zb_v-8x8.svg")
        t.press("e")
        t.until("the command", r"chimera simulate")
        line = re.search(r"(chimera simulate.*?\.costs\.json)", " ".join(t.text().split())).group(1)
        t.end("q", keys="q")
        told = subprocess.run([program, *line.split()[1:]], cwd=folder, capture_output=True, text=True)
        check("simulate says another makespan", f"makespan" in told.stdout and re.search(rf"\b{makespan}\b", told.stdout),
              f"{line}\n{told.stdout}{told.stderr}\n{makespan}")
        verified = subprocess.run([program, "verify", "zb_v-8x8.json"], cwd=folder, capture_output=True, text=True)
        check("what was saved is no schedule", verified.returncode == 0, verified.stdout + verified.stderr)
        check("files", sorted(os.listdir(folder)) == [f"zb_v-8x8.{e}" for e in ("costs.json", "html", "json", "svg")])


def test_sizes():
    t = Terminal(arguments=["one_f_one_b", "--stages", "32", "--micro-batches", "128"])
    t.until("start", r"w0 ")
    t.press("]" * 8)
    t.until("the last workers", r"w31 ")
    t.press("zzz>?")
    t.until("help", "q Ctrl-C")  # so that all keys before it have been taken
    t.press(ENTER)
    t.until("a window", r"‹.*›")
    for rows, columns in ((40, 120), (60, 200), (10, 40), (5, 20), (18, 80)):
        t.resize(rows, columns)
        small = rows < 18 or columns < 80
        t.until(f"{columns} × {rows}", r"too\s+small" if small else r"makespan(.|\n)*q quit")
    check("the place is lost", "‹" in t.text() and "w22" in t.text() and "w0 " not in t.text(), t.text())
    t.end("q after sizes", keys="q")


def test_ends():
    t = Terminal()
    t.until("start", "makespan")
    t.end("Ctrl-C", keys="\x03")
    t = Terminal()
    t.until("start", "makespan")
    t.process.send_signal(signal.SIGTERM)
    t.end("SIGTERM", status=1)
    t = Terminal(arguments=["--folder", "/nowhere"])
    t.until("start", "makespan")
    t.press("s")
    t.until("nowhere to save", r"cannot write /nowhere/")
    t.end("q after a refusal", keys="q")


def test_terminals():
    for term in ("screen-256color", "linux", "vt100", "screen"):
        t = Terminal(term=term)
        t.until(f"TERM={term}", r"makespan 16 .*\n(.*\n)*.*advice: every family")
        t.end(f"q on {term}", keys="q")
    t = Terminal(LC_ALL="C")
    t.until("ASCII", r">family +bidirectional")
    check("ASCII only", all(ord(c) < 128 for c in t.text()), t.text())
    t.end("q in ASCII", keys="q")
    t = Terminal(term="nonsense")
    said = t.end("an unknown terminal", status=2, restored=False)
    check("an unknown terminal is named", "TERM is 'nonsense'" in said and said.count("\n") == 1, said)


def test_no_terminal():
    for arguments, part in (([], "is no terminal"), (["nonsense"], "is unknown"), (["gpipe", "--stages", "0"], "--stages"),
                            (["gpipe", "--width", "2"], "--width"), (["--memory", "x"], "--memory")):
        told = subprocess.run([program, "play", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        check(f"play {arguments} without a terminal: {told}",
              told.returncode == 2 and part in told.stderr and told.stderr.count("\n") == 1 and not told.stdout)
    told = subprocess.run([program, "play", "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    check("--help", told.returncode == 0 and "Example: chimera play" in told.stdout, told.stdout)


def times():
    t = Terminal(40, 120, ["one_f_one_b", "--stages", "32", "--micro-batches", "128"])
    t.until("start", "fastest pipeline")
    for what, first, keys in (("another field", "", DOWN + UP), ("another number of stages", DOWN, RIGHT + LEFT)):
        t.press(first)
        t.read(1)
        begins, ends = [], []
        for turn in range(40):
            begun = time.perf_counter()
            t.press(keys[:3] if turn % 2 == 0 else keys[3:])
            t.read(5)
            begins.append(1000 * (time.perf_counter() - begun))
            ends.append(begins[-1])
            while t.read(0.3):
                ends[-1] = 1000 * (time.perf_counter() - begun)
        middle = lambda all: f"median {sorted(all)[20]:.1f}, largest {max(all):.1f} ms"
        print(f"{what}, of 40: drawn after {middle(begins)}; the last of the advice after {middle(ends)}")
    t.end("q", keys="q")


def svg(screen):
    """The screen as a picture: a rectangle for each background, a text for each run of one style."""
    names = {"default": "#d8dee9", "black": "#000000", "red": "#cd3131", "green": "#0dbc79", "brown": "#e5e510",
             "blue": "#2472c8", "magenta": "#bc3fbc", "cyan": "#11a8cd", "white": "#e5e5e5"}
    colour = lambda name, otherwise: otherwise if name == "default" else names.get(name, "#" + name)
    wide, high = 8, 18
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {screen.columns * wide} {screen.lines * high}" '
           f'width="{screen.columns * wide}" font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="13.2">',
           '<rect width="100%" height="100%" fill="#1e222a"/>']
    for y in range(screen.lines):
        runs, x = [], 0
        while x < screen.columns:
            style = lambda c: (c.fg, c.bg, c.bold, c.reverse)
            end = x
            while end < screen.columns and style(screen.buffer[y][end]) == style(screen.buffer[y][x]):
                end += 1
            runs.append((x, end))
            x = end
        for x, end in runs:
            one = screen.buffer[y][x]
            if one.bg != "default":
                out.append(f'<rect x="{x * wide}" y="{y * high}" width="{(end - x) * wide}" height="{high}" '
                           f'fill="{colour(one.bg, "#1e222a")}"/>')
            text = "".join(screen.buffer[y][i].data for i in range(x, end))
            for word in re.finditer(r"\S+(?: \S+)*", text):
                shown = word.group().replace("&", "&amp;").replace("<", "&lt;")
                bold = ' font-weight="bold"' if one.bold else ""
                out.append(f'<text x="{(x + word.start()) * wide}" y="{y * high + 13}" textLength="{len(word.group()) * wide}" '
                           f'xml:space="preserve" fill="{colour(one.fg, names["default"])}"{bold}>{shown}</text>')
    return "\n".join(out + ["</svg>", ""])


def picture():
    """The screen that docs/play.md shows."""
    t = Terminal(34, 110, ["bidirectional", "--stages", "6", "--micro-batches", "6"])
    t.until("start", "fastest pipeline")
    while t.read(0.3):
        pass
    drawn = svg(t.screen)
    t.end("q", keys="q")
    return drawn


def test_picture():
    with open(shown, encoding="utf-8") as file:
        check("docs/pictures/play.svg is out of date: play.py PROGRAM --picture", file.read() == picture())


if "--picture" in sys.argv:
    with open(shown, "w", encoding="utf-8") as file:
        file.write(picture())
elif "--times" in sys.argv:
    times()
else:
    for test in (test_keys, test_command_reproduces, test_sizes, test_ends, test_terminals, test_no_terminal, test_picture):
        try:
            test()
        except AssertionError as why:
            check(test.__name__, False, why)
print(f"{failures} failures")
sys.exit(failures > 0)
