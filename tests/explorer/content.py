# SPDX-License-Identifier: Apache-2.0
"""What a page holds and draws, against `--format json` and against laws written here once more."""
from browser import PageTest, chimera, folder, json, main, write_page

LETTERS = "FBIWR"
FAMILIES = ["gpipe --stages 4 --micro-batches 6", "bidirectional --stages 4 --micro-batches 8",
            "bidirectional --stages 4 --micro-batches 8 --scale halving", "bidirectional --stages 4 --micro-batches 8 --split",
            "interleaved --stages 8 --micro-batches 8", "zb_v --stages 8 --micro-batches 8", "dualpipe --stages 8 --micro-batches 20",
            "wave --stages 8 --micro-batches 8 --waves 2", "one_f_one_b --stages 4 --micro-batches 5 --recompute full",
            "pipedream --stages 4 --micro-batches 8", "data_parallel --micro-batches 3 --width 4"]


def needs(schedule):
    """For each slot (worker, index) what it must wait for, by the dependencies of a pipeline: a set of (worker, index)."""
    made = {}
    rows = schedule["slots"]
    for w, row in enumerate(rows):
        for i, s in enumerate(row):
            for u in range(s["first"], s["first"] + s["count"]):
                made["G" if s["op"] in "BI" else s["op"], s["stage"], u] = (w, i)
    out = {}
    for w, row in enumerate(rows):
        for i, s in enumerate(row):
            op, stage = s["op"], s["stage"]
            wanted = {"F": [("F", stage - 1)], "R": [("F", stage)], "W": [("G", stage)]}.get(
                op, [("G", stage + 1), ("F", stage), ("R", stage)])
            out[w, i] = {made[kind, at, u] for kind, at in wanted for u in range(s["first"], s["first"] + s["count"])
                         if (kind, at, u) in made}
    return out


class Content(PageTest):
    def test_every_slot_is_that_of_the_schedule_file(self):
        for options in FAMILIES:
            with self.subTest(options):
                schedule = json.loads(chimera("schedule", *options.split(), "--format", "json"))
                self.page.open(write_page("family", "schedule", *options.split()))
                expected = [[[LETTERS.index(s["op"]), s["count"], s["pipeline"], s["stage"], s["first"], s["tick"],
                              s["tick"] + s["ticks"]] for s in row] for row in schedule["slots"]]
                self.assertEqual(self.page.rows(), expected)

    def test_waits_for_and_needed_by_are_the_pipeline_s_laws(self):
        for options in FAMILIES:
            with self.subTest(options):
                schedule = json.loads(chimera("schedule", *options.split(), "--format", "json"))
                expected = needs(schedule)
                self.page.open(write_page("family", "schedule", *options.split()))
                found = self.page.run("""const p = explorer.panels[0], r = p.rows, out = [];
                    const name = (i) => [r.worker(i), i - r.offsets[r.worker(i)]];
                    for (let i = 0; i < r.size; ++i) out.push([name(i), explorer.waitsFor(p, i).map(name), explorer.neededBy(p, i).map(name)]);
                    return out""")
                inverse = {}
                for slot, all_needs in expected.items():
                    for one in all_needs:
                        inverse.setdefault(one, set()).add(slot)
                self.assertEqual(len(found), len(expected))
                for slot, waits, needed in found:
                    slot, waits, needed = tuple(slot), {tuple(k) for k in waits}, {tuple(k) for k in needed}
                    beside = {(w, i) for w, i in waits - expected[slot]}
                    self.assertTrue(all(w == slot[0] and i < slot[1] for w, i in beside) and len(beside) <= 1, (slot, beside))
                    self.assertLessEqual(expected[slot], waits)
                    after = needed - inverse.get(slot, set())
                    self.assertTrue(all(w == slot[0] and i > slot[1] for w, i in after) and len(after) <= 1, (slot, after))
                    self.assertLessEqual(inverse.get(slot, set()), needed)

    def test_metrics_are_those_of_simulate(self):
        (folder / "costs.json").write_text('{"format":"chimera.costs","version":1,"forward":0.001,"backward":0.0025,'
                                           '"input_gradient":0.001,"weight_gradient":0.0015,"reduce":0.002}')
        for options in FAMILIES:
            with self.subTest(options):
                arguments = ["simulate", *options.split(), "--costs", "costs.json"]
                expected = json.loads(chimera(*arguments, "--format", "json"))
                self.page.open(write_page("family", *arguments))
                panel = self.page.run("""const p = explorer.panels[0]; return {makespan: p.makespan, bubbles: p.bubble_ratio,
                    chain: p.chain.map((i) => [p.rows.op[i], p.begin(i), p.end(i)]),
                    peaks: Array.from({length: p.workers}, (_, w) => explorer.activations(p, w).peak),
                    last: Array.from({length: p.workers}, (_, w) => explorer.activations(p, w).live.at(-1))}""")
                self.assertEqual(panel["makespan"], expected["makespan"])
                self.assertEqual(panel["bubbles"], expected["bubble_ratio"])
                self.assertEqual(panel["peaks"], [w["peak_activations"] for w in expected["workers"]])
                self.assertEqual(set(panel["last"]), {0})
                counts = [sum(1 for op, _, _ in panel["chain"] if op in of) for of in ([0], [1, 2], range(3, 12))]
                critical = expected["critical_path"]
                self.assertEqual(counts, [critical["forwards"], critical["backwards"], critical["others"]])
                for (_, _, end), (_, begin, _) in zip(panel["chain"], panel["chain"][1:]):
                    self.assertLess(end, begin + 1e-9)
                    if "dualpipe" not in options:  # where a slot also waits for its partner's input
                        self.assertAlmostEqual(end, begin, 9)

    def test_pixels_have_the_colours_of_their_slots(self):
        self.page.open(write_page("pixels", "schedule", "bidirectional", "--stages", "4", "--micro-batches", "8", "--split"))
        for style in ("one by one", "as a picture"):
            with self.subTest(style):
                if style == "as a picture":
                    self.page.run("explorer.limits.shapes = 0; explorer.zoom(1)")
                    self.page.settle()
                wrong = self.page.run("""const p = explorer.panels[0], g = document.getElementById('chart').getContext('2d'), out = [];
                    const hues = JSON.parse(document.getElementById('timelines').textContent).hues, block = explorer.blocks()[0];
                    for (let i = 0; i < p.rows.size; ++i) {
                      const css = hues[p.rows.pipeline[i]][p.rows.op[i]], y = explorer.rowTop(block, p.rows.worker(i)) + 5;
                      const at = explorer.x(p.begin(i) + 0.15 * (p.end(i) - p.begin(i)));
                      const [r, b, c] = g.getImageData(Math.round(at), Math.round(y), 1, 1).data;
                      const found = '#' + [r, b, c].map((v) => v.toString(16).padStart(2, '0')).join('');
                      if (found !== css) out.push([i, css, found]);
                    }
                    return out""")
                self.assertEqual(wrong, [])

    def test_nothing_in_a_file_becomes_part_of_the_page(self):
        for family in ("</script><script>evil=1//", "<img src=x onerror=evil=1>", '"><svg onload=evil=1>', "a&lt;b \\\" '"):
            with self.subTest(family):
                schedule = json.loads(chimera("schedule", "gpipe", "--stages", "2", "--micro-batches", "2", "--format", "json"))
                schedule["family"] = family
                (folder / "evil.json").write_text(json.dumps(schedule))
                self.page.open(write_page("evil", "simulate", "evil.json"))
                self.page.move(self.page.slot(0, 0))
                self.page.click(self.page.slot(0, 3))
                self.assertEqual(self.page.run("return document.querySelector('h1').textContent"), family)
                self.assertEqual(self.page.run("return document.title"), " ".join(family.split()))
                self.assertEqual(self.page.run("return typeof evil"), "undefined")
                self.assertEqual(self.page.run("return document.querySelectorAll('img, svg, iframe').length"), 0)
                self.assertEqual(self.page.run("return performance.getEntriesByType('resource').length"), 0)

    def test_the_same_command_writes_the_same_page(self):
        for arguments in (["schedule", "zb_v", "--stages", "8", "--micro-batches", "8"], ["compare", "--stages", "4", "--micro-batches", "4"]):
            first = write_page("first", *arguments).read_bytes()
            self.assertEqual(first, write_page("second", *arguments).read_bytes())


if __name__ == "__main__":
    main()
