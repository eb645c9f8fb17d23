# SPDX-License-Identifier: Apache-2.0
import json
import random

import pytest

import chimera_schedules as cs


def test_every_family_is_a_function_that_is_proven():
    assert len(cs.families()) >= 20
    for name in cs.families():
        tried = 0
        for workers in (1, 2, 3, 4, 6, 8):
            for micro_batches in (1, 5, 8, 16, 17):
                try:
                    made = getattr(cs, name)(workers=workers, micro_batches=micro_batches)
                except ValueError as refused:
                    assert "\n" not in str(refused)
                    continue
                assert made.workers == workers and made.family == name
                assert made.verify() == [] and made.lower().verify() == []
                tried += 1
        assert tried > 2, name


@pytest.mark.parametrize("workers, micro_batches", [(3, 5), (4, 7), (7, 17), (8, 8)])
def test_gpipe_has_the_bubbles_of_the_formula(workers, micro_batches):
    played = cs.simulate(cs.gpipe(workers=workers, micro_batches=micro_batches), forward=1, backward=2)
    assert played.makespan == 3 * (micro_batches + workers - 1)
    assert played.bubble_ratio == pytest.approx((workers - 1) / (micro_batches + workers - 1))
    assert [w["busy"] for w in played.workers] == [3 * micro_batches] * workers


def test_slots_and_instructions_can_be_read():
    made = cs.bidirectional(stages=4, micro_batches=6)
    rows = made.rows()
    assert len(rows) == 4 and made.pipelines == 2
    assert sorted((s.op, s.stage, s.first) for row in rows for s in row) == sorted(
        (op, stage, unit) for op in "FB" for stage in range(4) for unit in range(6))
    lowered = made.lower(sync="lazy")
    sends = [i for w in range(4) for i in lowered.row(w) if i.op.startswith("send")]
    assert len(sends) == lowered.messages == 2 * 3 * 6
    assert lowered.members(0) == [0, 3]


def test_files_and_text_come_back():
    for made in (cs.zb_v(workers=3, micro_batches=7), cs.bidirectional(stages=6, micro_batches=9, scale="doubling")):
        assert cs.Schedule.from_json(made.json()) == made
        assert json.loads(made.json())["format"] == "chimera.schedule"
    assert cs.Schedule.from_csv(cs.zb_h1(workers=4, micro_batches=9).csv()).verify() == []
    order = cs.custom("0F0@0 1F1@1 1B1@1 0B0@0; 0F1@1 1F0 1B0 0B1@1")
    assert order.pipelines == 2 and order.verify() == []
    assert cs.custom("0F0 0B0; 1B0 1F0").verify() != []


def test_links_come_with_their_messages():
    made = cs.one_f_one_b(workers=5, micro_batches=4)
    plain = made.lower().messages
    made.links = [("skip", 1, 4), ("tied", 0, 4)]
    lowered = made.lower()
    assert lowered.verify() == [] and lowered.messages == plain + 2 * 4
    assert cs.Schedule.from_json(made.json()).links == made.links
    made.links = [("skip", 1, 2)]
    with pytest.raises(ValueError, match="links"):
        made.lower()


def test_what_cannot_be_says_so_in_a_line():
    for call in (lambda: cs.bidirectional(stages=3, micro_batches=4), lambda: cs.gpipe(stages=4, micro_batches=0),
                 lambda: cs.gpipe(stages=4, micro_batches=4, chunks=2), lambda: cs.generate("none", stages=2),
                 lambda: cs.gpipe(stages=4, workers=4, micro_batches=4), lambda: cs.custom("nonsense"),
                 lambda: cs.simulate(cs.gpipe(stages=2, micro_batches=2), forward=-1),
                 lambda: cs.simulate(cs.gpipe(stages=2, micro_batches=2), forwards=1),
                 lambda: cs.gpipe(stages=2, micro_batches=2).lower(sync="now"),
                 lambda: cs.plan(model="none", hardware="A100-80GB", samples=8),
                 lambda: cs.search(stages=2, micro_batches=2, placement="none")):
        with pytest.raises(ValueError) as refused:
            call()
        assert "\n" not in str(refused.value) and "(" in str(refused.value)


def test_search_is_never_above_its_families():
    for stages, micro_batches in ((3, 5), (4, 7)):
        found = cs.search(stages=stages, micro_batches=micro_batches, memory=[stages], evaluations=2000)
        assert found.schedule.verify() == []
        assert found.makespan_bound <= found.makespan
        best = min(cs.simulate(cs.generate(f, stages=stages, micro_batches=micro_batches), forward=1, input_gradient=1,
                               weight_gradient=1).makespan for f in ("zb_h1",))
        assert found.makespan <= best + 1e-9


def test_plan_ranks_what_can_be_generated():
    model, machine = "bert-48", next(h for h in cs.hardware() if h.startswith("A100"))
    places = cs.plan(model=model, hardware=machine, nodes=2, workers_per_node=4, samples=63, top=3, memory=40e9)
    assert [p["seconds"] for p in places] == sorted(p["seconds"] for p in places)
    for place in places:
        assert cs.generate(**place["schedule"]).verify() == []
        assert 0 < place["memory"] <= 40e9


def test_pictures():
    made = cs.dualpipe_v(workers=3, micro_batches=8)
    for picture in (made._repr_svg_(), cs.simulate(made)._repr_svg_()):
        assert picture.startswith("<svg") and picture.rstrip().endswith("</svg>")
    assert "<html" in made.html()[:200].lower() or "<!doctype" in made.html()[:200].lower()
