# SPDX-License-Identifier: Apache-2.0
"""The page in use: pointer, keys, buttons, themes, paper. Each view leaves a screenshot in the folder."""
import base64

from browser import Page, PageTest, chimera, folder, main, write_page
from selenium.webdriver.common.keys import Keys

COSTS = ('{"format":"chimera.costs","version":1,"forward":0.001,"backward":0.002,"input_gradient":0.001,"weight_gradient":0.001,'
         '"reduce":0.0015}')


class Use(PageTest):
    def open_simulated(self):
        (folder / "costs.json").write_text(COSTS)
        self.page.open(write_page("simulated", "simulate", "bidirectional", "--stages", "4", "--micro-batches", "8", "--costs", "costs.json"))

    def view(self):
        return self.page.run("const {from, scale, top, pitch, width, gutter} = explorer.view; return {from, scale, top, pitch, width, gutter}")

    def find(self, op, stage, first):
        """The slot with that pass, stage and unit."""
        return self.page.run("""const r = explorer.panels[0].rows;
            for (let i = 0; i < r.size; ++i) if (r.op[i] === arguments[0] && r.stage[i] === arguments[1] && r.first[i] === arguments[2]) return i;""",
                             op, stage, first)

    def test_hover_names_the_slot_and_what_it_waits_for(self):
        self.open_simulated()
        self.page.move(self.page.slot(0, self.find(1, 2, 1)))
        tip = self.page.text("tip")
        self.assertIn("backward of micro-batch 1", tip)
        self.assertIn("worker 2, stage 2, pipeline 0", tip)
        self.assertIn("waits for backward of micro-batch 1, stage 3, pipeline 0, worker 3; forward of micro-batch 1, stage 2", tip)
        self.assertFalse(self.page.run("return document.getElementById('tip').hidden"))
        self.page.picture("hover")
        self.page.move((5, 5))
        self.assertTrue(self.page.run("return document.getElementById('tip').hidden"))

    def test_hover_explains_a_bubble_and_a_reduction(self):
        self.open_simulated()
        place = self.page.slot(0, 1)
        self.page.move((place[0] + 1.0 * self.view()["scale"] * 0.001, place[1]))
        self.assertIn("bubble of 1 ms", self.page.text("tip"))
        self.assertIn("2 to 3 ms", self.page.text("tip"))
        self.assertIn("until forward of micro-batch 2, which waits for forward of micro-batch 2 on worker 1", self.page.text("tip"))
        at = self.page.run("""const p = explorer.panels[0], r = p.reductions, box = document.getElementById('chart').getBoundingClientRect();
            return [box.left + 1 + explorer.x((r.begin[0] + r.end[0]) / 2 * p.quantum),
                    box.top + 1 + explorer.rowTop(explorer.blocks()[0], 0) + explorer.view.pitch * 0.8]""")
        self.page.move(at)
        self.assertIn("reduction of stage", self.page.text("tip"))

    def test_wheel_zooms_around_the_pointer(self):
        self.open_simulated()
        place = self.page.slot(0, self.find(0, 1, 3))
        before = self.view()
        self.page.wheel(place, -240)
        after = self.view()
        self.assertGreater(after["scale"], 1.3 * before["scale"])
        moved = self.page.slot(0, self.find(0, 1, 3))
        self.assertAlmostEqual(moved[0], place[0], delta=1.5)
        self.page.wheel(place, 2400)
        self.assertAlmostEqual(self.view()["scale"], before["scale"], delta=1e-6 * before["scale"])

    def test_keys_zoom_and_pan(self):
        self.open_simulated()
        before = self.view()
        self.page.press("+", "+")
        self.assertAlmostEqual(self.view()["scale"] / before["scale"], 2.25, 6)
        middle = self.view()
        self.page.command("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39, modifiers=8)
        self.page.settle()
        self.assertAlmostEqual((self.view()["from"] - middle["from"]) * middle["scale"], 120, delta=1)
        self.page.press("]")
        self.assertAlmostEqual(self.view()["pitch"] / before["pitch"], 1.25, 6)
        self.page.press("0")
        self.assertEqual(self.view()["from"], 0)
        self.assertAlmostEqual(self.view()["scale"], before["scale"])

    def test_dragging_pans(self):
        self.open_simulated()
        self.page.press("+", "+", "+")
        before = self.view()
        self.page.drag((700, 230), (-90, 0))
        self.assertAlmostEqual((self.view()["from"] - before["from"]) * before["scale"], 90, delta=2)
        self.assertIsNone(self.page.run("return explorer.state.pick"))  # a drag is no click

    def test_arrow_keys_walk_and_are_read_out(self):
        self.open_simulated()
        self.page.press(Keys.ARROW_RIGHT)
        self.assertIn("forward of micro-batch 0. worker 0, stage 0, pipeline 0. 0 to 1 ms (1 ms)", self.page.text("say"))
        self.page.press(Keys.ARROW_RIGHT)
        self.assertIn("forward of micro-batch 1. worker 0", self.page.text("say"))
        self.page.press(Keys.ARROW_DOWN)
        self.assertIn("worker 1", self.page.text("say"))
        self.page.press(Keys.HOME)
        self.assertEqual(self.page.run("return explorer.state.pick.i - explorer.panels[0].rows.offsets[1]"), 0)
        self.page.press(Keys.ARROW_LEFT)
        self.assertEqual(self.page.text("say"), "first slot")
        self.page.press(Keys.END)
        self.assertIn("update weights", self.page.text("say"))

    def test_walks_along_dependencies(self):
        self.open_simulated()
        self.page.click(self.page.slot(0, self.find(1, 2, 1)))
        self.page.press("w")  # to what it waited for: of the other workers', the last
        self.assertIn("backward of micro-batch 1. worker 3, stage 3", self.page.text("say"))
        self.page.run("document.querySelector('#what li button').focus()")
        before = self.page.text("what")
        self.page.press(Keys.ENTER)  # the buttons work from the keyboard
        self.assertNotEqual(self.page.text("what"), before)

    def test_time_goes_tick_by_tick(self):
        self.open_simulated()
        self.page.press(".", ".")
        self.assertIn("1 ms: 4 workers of 4 computing. worker 0 forward of micro-batch 1 (stage 0, pipeline 0), worker 1 forward "
                      "of micro-batch 0 (stage 1, pipeline 0)", self.page.text("status"))
        self.page.button("tick-back")
        self.assertIn("0 ms: 2 workers of 4 computing", self.page.text("status"))
        self.page.picture("time")

    def test_a_micro_batch_is_followed(self):
        self.open_simulated()
        self.page.press("/", "5")
        self.assertIn("Micro-batch 5: 8 slots, ", self.page.text("status"))
        self.assertEqual(self.page.run("return explorer.panels[0].path.map((i) => explorer.panels[0].rows.stage[i])"), [0, 1, 2, 3, 3, 2, 1, 0])
        self.page.picture("search")
        self.page.press("9")
        self.assertIn("There is no micro-batch 59: they go from 0 to 7", self.page.text("status"))
        self.page.press(Keys.ESCAPE)
        self.assertEqual(self.page.text("status"), "")
        self.assertIsNone(self.page.run("return explorer.state.found"))

    def test_toggles_show_what_they_say(self):
        self.open_simulated()
        for identity, words in (("critical", "Critical path of bidirectional: 6 forwards, 12 backwards"),
                                ("bubbles", "Bubbles: 23.8 % of the workers' time"), ("sync", "8 gradient reductions"), ("strips", "")):
            before = self.page.run("return document.getElementById('chart').toDataURL()")
            self.page.button(identity)
            self.assertEqual(self.page.run("return document.getElementById(arguments[0]).getAttribute('aria-pressed')", identity), "true")
            self.assertIn(words, self.page.text("status"))
            self.assertNotEqual(self.page.run("return document.getElementById('chart').toDataURL()"), before)
            self.page.picture(identity)
            self.page.button(identity)
            self.page.move((5, 5))
        self.assertTrue(self.page.run("return document.getElementById('difference').hidden"))

    def test_themes(self):
        self.open_simulated()
        white, black = "rgb(255, 255, 255)", "rgb(20, 23, 28)"
        back = "return getComputedStyle(document.body).backgroundColor"
        self.assertEqual(self.page.run(back), white)
        self.page.button("theme")
        self.assertEqual(self.page.run(back), black)
        self.assertEqual(self.page.text("theme"), "Light")
        self.page.press("t")
        self.assertEqual(self.page.run(back), white)
        dark = Page(dark=True)
        self.addCleanup(dark.close)
        dark.open(folder / "simulated.html")
        self.assertEqual(dark.run(back), black)
        dark.press(Keys.ARROW_RIGHT)
        dark.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        dark.picture("dark")

    def test_several_families_under_one_axis(self):
        self.page.open(write_page("compare", "compare", "gpipe", "bidirectional", "zb_h1", "--workers", "4", "--micro-batches", "8"))
        titles = self.page.run("return explorer.panels.map((p) => p.title)")
        self.assertEqual(titles, ["zb_h1", "bidirectional", "gpipe"])  # the shortest comes first
        self.assertEqual(self.page.run("return explorer.panels.map((p) => p.makespan)"), [27, 30, 33])
        ends = [self.page.slot(k, self.page.run("return explorer.panels[arguments[0]].rows.offsets[1] - 1", k), 1.0)[0] for k in range(3)]
        self.assertLess(ends[0], ends[1])
        self.assertLess(ends[1], ends[2])
        self.page.picture("compare")
        self.page.press("2")
        self.assertEqual(self.page.run("return explorer.blocks().map((b) => b.panel.title)"), ["zb_h1", "gpipe"])
        self.page.run("document.querySelector('#families button:first-child').focus()")
        self.page.press(Keys.SPACE)
        self.assertEqual(self.page.run("return explorer.blocks().map((b) => b.panel.title)"), ["gpipe"])
        self.page.press("3")  # the last one stays
        self.assertEqual(self.page.run("return explorer.blocks().map((b) => b.panel.title)"), ["gpipe"])
        self.assertIn("33 ticks", self.page.text("cards"))

    def test_every_family_at_once(self):
        self.page.open(write_page("all", "compare", "--workers", "4", "--micro-batches", "8"))
        self.assertGreaterEqual(self.page.run("return explorer.panels.length"), 20)
        self.page.picture("all")
        self.page.wheel(self.page.run("const b = document.getElementById('chart').getBoundingClientRect(); return [b.left + 20, b.top + 150]"), 400)
        self.assertGreater(self.view()["top"], 100)

    def test_predicted_against_measured(self):
        text = "\n".join(f"line {i} of a text that is {i * i % 97} long" for i in range(400))
        (folder / "text.txt").write_text(text)
        (folder / "job.json").write_text('{"data":"text.txt","model":{"layers":4,"heads":2,"channels":32,"context":32},'
                                         '"batch":{"sequences":2},"optimiser":{"steps":12}}')
        chimera("train", "job.json", "--quiet", "--family", "bidirectional", "--stages", "4", "--micro-batches", "4", "--output", "run", "--overwrite")
        self.page.open(folder / "run" / "timeline.html")
        self.assertEqual(self.page.run("return explorer.panels.map((p) => p.title)"), ["predicted", "measured"])
        same = self.page.run("""const [a, b] = explorer.panels; for (let i = 0; i < b.rows.size; ++i) {
              if (b.rows.op[i] > 4) continue;
              const j = explorer.counterpart(b, i);
              if (j < 0 || a.rows.op[j] !== b.rows.op[i] || a.rows.stage[j] !== b.rows.stage[i] || a.rows.first[j] !== b.rows.first[i]) return i;
            } return 'all'""")
        self.assertEqual(same, "all")
        index = self.page.run("return explorer.panels[1].rows.offsets[1]")
        self.page.move(self.page.slot(1, index))
        late, longer = self.page.run("""const [a, b] = explorer.panels, i = arguments[0], j = explorer.counterpart(b, i);
            return [b.begin(i) - a.begin(j), b.end(i) - b.begin(i) - a.end(j) + a.begin(j)]""", index)
        self.assertIn(f"begins {'−' if late < 0 else '+'}", self.page.text("tip"))
        self.assertIn(f"takes {'−' if longer < 0 else '+'}", self.page.text("tip"))
        self.assertIn("% against predicted", self.page.text("cards") + self.page.run("return explorer.panels.length ? explorer.headText(explorer.panels[1]) : ''"))
        self.page.move((5, 5))
        self.page.press("d")
        self.assertEqual(self.page.run("return explorer.on.difference"), True)
        self.page.picture("difference")

    def test_prints(self):
        self.open_simulated()
        self.page.press("t", "+", "+")
        before = self.view()
        pdf = base64.b64decode(self.page.driver.print_page())
        self.assertTrue(pdf.startswith(b"%PDF"))
        (folder / "print.pdf").write_bytes(pdf)
        self.page.settle()
        self.assertEqual(self.view(), before)
        self.assertEqual(self.page.run("return document.documentElement.dataset.theme"), "dark")
        self.page.command("Emulation.setEmulatedMedia", media="print")
        hidden = self.page.run("return ['tools', 'details', 'status'].map((id) => getComputedStyle(document.getElementById(id)).display)")
        self.assertEqual(hidden, ["none"] * 3)

    def test_paper_has_a_picture_of_each_timeline_shown(self):
        self.page.open(write_page("paper", "compare", "gpipe", "bidirectional", "zb_h1", "--workers", "4", "--micro-batches", "8"))
        self.page.press("2", "t")
        printed = self.page.run("""dispatchEvent(new Event('beforeprint'));
            const all = [...document.querySelectorAll('#paper canvas')].map((c) => {
              const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height), found = new Set();
              for (let i = 0; i < data.length; i += 4) found.add(data[i] * 65536 + data[i + 1] * 256 + data[i + 2]);
              return [found.has(0xa9d3f0), found.has(0x14171c)];
            });
            dispatchEvent(new Event('afterprint'));
            return [all, document.querySelectorAll('#paper canvas').length, explorer.panels.map((p) => p.shown)]""")
        self.assertEqual(printed, [[[True, False]] * 2, 0, [True, False, True]])  # forwards, on white

    def test_help_lists_keys_that_work(self):
        self.open_simulated()
        self.page.press("?")
        self.assertTrue(self.page.run("return document.getElementById('help').open"))
        self.page.picture("help")
        self.page.press(Keys.ESCAPE)
        self.assertFalse(self.page.run("return document.getElementById('help').open"))

    def test_everything_can_be_reached_and_has_a_name(self):
        self.open_simulated()
        seen = set()
        for _ in range(40):
            self.page.press(Keys.TAB)
            seen.add(self.page.run("return document.activeElement.id"))
        wanted = set(self.page.run("return [...document.querySelectorAll('#tools button, #tools input, canvas[tabindex]')].filter((e) => !e.hidden).map((e) => e.id)"))
        self.assertLessEqual(wanted, seen)
        nodes = self.page.command("Accessibility.getFullAXTree")["nodes"]
        unnamed = [n for n in nodes if n.get("role", {}).get("value") in ("button", "application", "searchbox", "img", "toolbar")
                   and not n.get("ignored") and not n.get("name", {}).get("value")]
        self.assertEqual(unnamed, [])

    def test_a_narrow_window(self):
        self.open_simulated()
        self.page.resize(420, 800)
        self.page.settle()
        self.assertLessEqual(self.page.run("return document.documentElement.scrollWidth"), 420)
        self.page.picture("narrow")


if __name__ == "__main__":
    main()
