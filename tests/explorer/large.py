# SPDX-License-Identifier: Apache-2.0
"""Pages with 2,000 workers: what they take, that they show the right slots, and how long frames take (recorded, not judged)."""
import statistics

from browser import PageTest, folder, json, main, time, write_page


class Large(PageTest):
    def open_large(self, micro_batches):
        name = f"large-{micro_batches}"
        path = write_page(name, "schedule", "one_f_one_b", "--stages", "2000", "--micro-batches", str(micro_batches))
        self.page.command("Performance.enable", timeDomain="threadTicks")
        start = time.time()
        self.page.open(path)
        return path.stat().st_size, time.time() - start

    def frames(self, gesture):
        """Milliseconds of the frames that a gesture causes, and of the processor for all of them, painting included."""
        self.page.run("explorer.frames.length = 0")
        before = self.processor()
        gesture()
        self.page.settle()
        return self.page.run("return explorer.frames"), 1000 * (self.processor() - before)

    def processor(self):
        """Seconds that the page's main thread has computed: other programs on the machine do not count."""
        metrics = self.page.command("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    def record(self, name, what):
        path = folder / "timings.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        known[name] = what
        path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        print(name, json.dumps(what))

    def check(self, micro_batches, most_bytes):
        size, seconds = self.open_large(micro_batches)
        self.assertEqual(self.page.run("return explorer.panels[0].rows.size"), 4000 * micro_batches)
        self.assertLess(size, most_bytes)
        self.assertFalse(self.page.run("return explorer.view.single"))  # a picture, not slot by slot
        self.page.picture(f"large-{micro_batches}")
        middle = (700, 300)
        zoomed = self.frames(lambda: [self.page.wheel(middle, -60, settle=False) for _ in range(40)])
        panned = self.frames(lambda: self.page.drag(middle, (-200, 40)))
        out = self.frames(lambda: [self.page.wheel(middle, 60, settle=False) for _ in range(40)])
        everything = zoomed[0] + panned[0] + out[0]
        processor = (zoomed[1] + panned[1] + out[1]) / len(everything)
        self.assertGreater(len(everything), 30)
        self.record(f"2000 workers, {4000 * micro_batches} slots", {
            "bytes": size, "seconds to load": round(seconds, 2), "frames": len(everything),
            "processor ms a frame": round(processor, 1), "median ms": round(statistics.median(everything), 1), "95th percentile ms": round(sorted(everything)[int(0.95 * len(everything))], 1),
            "largest ms": round(max(everything), 1)})

    def test_a_hundred_thousand_slots(self):
        self.check(25, 600_000)

    def test_four_hundred_thousand_slots(self):
        self.check(100, 600_000)

    def test_eight_million_slots(self):
        self.check(2000, 600_000)

    def test_finds_any_slot_of_eight_million(self):
        self.open_large(2000)
        # The last worker takes a forward and a backward in turn, so forwards come down every second tick.
        for w, micro_batch in ((0, 0), (7, 1000), (1234, 500), (1999, 0)):
            found = self.page.run("""const [w, time] = arguments, p = explorer.panels[0], i = p.slotAt(w, time, false);
                return [p.rows.op[i], p.rows.stage[i], p.rows.first[i]]""", w, w + 2 * micro_batch + 0.5)
            self.assertEqual(found, [0, w, micro_batch])
        self.page.press("/", *"1500")
        self.assertIn("Micro-batch 1500: 4000 slots", self.page.text("status"))
        self.page.picture("large-search")

    def test_pictures_show_the_mean_of_what_is_in_a_pixel(self):
        self.open_large(25)
        wrong = self.page.run("""const p = explorer.panels[0], v = explorer.view, g = document.getElementById('chart').getContext('2d');
            const data = JSON.parse(document.getElementById('timelines').textContent), block = explorer.blocks()[0], out = [];
            const bytes = (css) => [1, 3, 5].map((k) => parseInt(css.slice(k, k + 2), 16));
            const idle = bytes(getComputedStyle(document.documentElement).getPropertyValue('--idle').trim()), step = 1 / v.pitch;
            for (let k = 0; k < 300; ++k) {
              const line = (k * 7) % Math.floor(p.workers * v.pitch), column = (k * 131) % Math.floor(p.makespan * v.scale - 1);
              const w = Math.floor((line + 0.5) * step), from = v.from + column / v.scale, to = from + 1 / v.scale, sum = [0, 0, 0];
              let busy = 0;
              for (let i = p.rows.offsets[w]; i < p.rows.offsets[w + 1]; ++i) {
                const share = Math.max(0, Math.min(to, p.end(i)) - Math.max(from, p.begin(i))) * v.scale;
                if (share <= 0) continue;
                busy += share;
                bytes(data.hues[0][p.rows.op[i]]).forEach((c, j) => { sum[j] += share * c; });
              }
              const expected = sum.map((s, j) => s + (1 - busy) * idle[j]);
              const found = g.getImageData(v.gutter + column, Math.round(explorer.rowTop(block, 0)) + line, 1, 1).data;
              if (expected.some((e, j) => Math.abs(e - found[j]) > 2)) out.push([w, column, expected, [...found]]);
            }
            return out""")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    main()
