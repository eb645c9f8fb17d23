# SPDX-License-Identifier: Apache-2.0
"""A page of `chimera … --format html` in headless Chromium: real pointer and keys. Usage of the tests: PART.py PROGRAM FOLDER."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

SKIPPED = 77
try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
except ImportError:
    print("skipped: python3-selenium is missing (apt-get install chromium chromium-driver python3-selenium)")
    sys.exit(SKIPPED)

chromium = shutil.which("chromium")
driver_program = shutil.which("chromedriver")
if not chromium or not driver_program:
    print("skipped: chromium or chromium-driver is missing (apt-get install chromium chromium-driver python3-selenium)")
    sys.exit(SKIPPED)

program = pathlib.Path(sys.argv[1]).resolve()
folder = pathlib.Path(sys.argv[2]).resolve()
folder.mkdir(parents=True, exist_ok=True)


def chimera(*arguments):
    """What the program prints, and that it succeeds."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def write_page(name, *arguments):
    """Makes FOLDER/name.html."""
    chimera(*arguments, "--format", "html", "-o", f"{name}.html")
    return folder / f"{name}.html"


class Page:
    """One browser window. Coordinates are those of the window."""

    def __init__(self, width=1360, height=860, dark=False):
        options = Options()
        options.binary_location = chromium
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     f"--window-size={width},{height}"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # which Chromium asks for where root runs it
        for argument in arguments:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(driver_program), options=options)
        self.resize(width, height)
        scheme = "dark" if dark else "light"
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def close(self):
        self.driver.quit()

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def resize(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, path):
        self.driver.get(path.as_uri())
        self.settle()

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def settle(self):
        """Waits until frames no longer change anything."""
        self.driver.set_script_timeout(120)
        self.driver.execute_async_script("""const done = arguments[0]; let last = -1;
            const look = () => { const now = explorer.frames.total; if (now === last) done(); else { last = now; setTimeout(look, 120); } };
            requestAnimationFrame(look);""")

    def text(self, identity):
        return self.run("return document.getElementById(arguments[0]).textContent", identity)

    def move(self, place):
        self.command("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
        self.settle()

    def click(self, place):
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
        self.settle()

    def drag(self, place, by):
        x, y = place
        self.command("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
        for k in range(1, 6):
            self.command("Input.dispatchMouseEvent", type="mouseMoved", x=x + by[0] * k / 5, y=y + by[1] * k / 5,
                         button="left", buttons=1)
        self.command("Input.dispatchMouseEvent", type="mouseReleased", x=x + by[0], y=y + by[1], button="left", clickCount=1)
        self.settle()

    def wheel(self, place, by, settle=True):
        self.command("Input.dispatchMouseEvent", type="mouseWheel", x=place[0], y=place[1], deltaX=0, deltaY=by)
        if settle:
            self.settle()

    def press(self, *keys):
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
        self.settle()

    def button(self, identity):
        box = self.run("""const b = document.getElementById(arguments[0]).getBoundingClientRect();
            return [b.left + b.width / 2, b.top + b.height / 2]""", identity)
        self.click(box)

    def slot(self, panel, index, across=0.5):
        """Where slot `index` of a panel is drawn: `across` its width, in its upper half."""
        return self.run("""const [p, i, part] = arguments, panel = explorer.panels[p], w = panel.rows.worker(i);
            const box = document.getElementById('chart').getBoundingClientRect(), block = explorer.blocks().find((b) => b.panel === panel);
            return [box.left + 1 + explorer.x(panel.begin(i) + part * (panel.end(i) - panel.begin(i))),
                    box.top + 1 + explorer.rowTop(block, w) + explorer.view.pitch * 0.3]""", panel, index, across)

    def rows(self, panel=0):
        """All slots of a panel, a list for each worker of [op, count, pipeline, stage, first, begin, end]."""
        return self.run("""const p = explorer.panels[arguments[0]], r = p.rows, out = [];
            for (let w = 0; w < p.workers; ++w) {
              out.push([]);
              for (let i = r.offsets[w]; i < r.offsets[w + 1]; ++i)
                out[w].push([r.op[i], r.count[i], r.pipeline[i], r.stage[i], r.first[i], p.begin(i), p.end(i)]);
            }
            return out""", panel)

    def picture(self, name):
        self.driver.save_screenshot(str(folder / f"{name}.png"))

    def complaints(self):
        """What the browser's console has: errors of the script, things that the page tried to load."""
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
                and "willReadFrequently" not in entry["message"]]  # advice on reading pixels, which only these tests do


class PageTest(unittest.TestCase):
    """Tests with a window of their own, which must leave nothing on the console."""

    dark = False

    def setUp(self):
        self.page = Page(dark=self.dark)
        self.addCleanup(self.page.close)

    def tearDown(self):
        self.assertEqual(self.page.complaints(), [])


def main():
    unittest.main(argv=[sys.argv[0]]+sys.argv[3:], verbosity=2)


__all__ = ["Page", "PageTest", "chimera", "folder", "json", "main", "time", "write_page"]
