"""Runs side by side: where they differ, frame by frame, and how a page shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tracknet_core.contracts import Clip
from tracknet_core.errors import DataError
from tracknet_core.evaluation.comparison import compare
from tracknet_core.evaluation.disagreements import Disagreement
from tracknet_core.evaluation.report.page import comparison_report
from tracknet_core.evaluation.report.text import comparison_as_text
from tracknet_core.evaluation.results import Evaluation, Fate, Misses
from tracknet_core.evaluation.saved_runs import SavedRun, read_run


def test_frames_differ_where_one_is_right_and_the_other_wrong(saved: list[SavedRun]) -> None:
    found = compare(saved)

    name = "a|<b>"
    # Frame 0 is found by both, frame 4 rightly empty in both.
    assert found.disagreements == (
        Disagreement(1, name, 1, 2, (Fate.NOT_FOUND, Fate.FOUND), 2, (None, (70, 60))),
        Disagreement(1, name, 3, 3, (Fate.FOUND, Fate.ELSEWHERE), 3, ((80, 60), (200, 60))),
        Disagreement(1, name, 5, 5, (Fate.FALSE_ALARM, Fate.NOTHING), 5, ((9, 9), None)),
    )
    assert found.judge == "wasb"
    [protocol] = found.protocols
    assert (protocol.differences[0].gained, protocol.differences[0].lost) == (3, 1)
    assert protocol.misses == (Misses(4, 2, 2, 0, 0, 0), Misses(4, 3, 0, 1, 0, 0))


def test_what_differs_between_mappings_is_told_value_by_value(saved: list[SavedRun]) -> None:
    assert compare(saved).differs == {"tracker.name": ("none", "kalman"), "tracker.max_gap": ("", "5")}


def test_a_run_is_like_itself(saved: list[SavedRun]) -> None:
    found = compare([saved[0], saved[0]])

    assert found.disagreements == ()
    page = comparison_report(found, {})
    assert "<p>There are none.</p>" in page
    assert "<p>Nothing that the files tell of.</p>" in page


def test_a_page_shows_both_curves_the_difference_and_the_frames(saved: list[SavedRun], clip: Clip) -> None:
    found = compare(saved)
    page = comparison_report(found, {clip.name: clip})

    over_threshold, over_recall = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    for chart, figure in ((over_threshold, "F1"), (over_recall, "precision")):
        assert chart.count('class="curve first"') == chart.count('class="curve second"') == 1
        assert f"{figure} of A, {figure} of B over" in chart
    assert page.count("<img ") == 3
    caption = "a|&lt;b&gt;, frame 3: found by A, elsewhere by B"
    assert f"<figcaption>{caption}</figcaption>" in page
    assert '<th scope="row">1 to 2</th><td class="long">0.50 s</td><td class="long">not found</td>' in page
    assert "<b>" not in page.replace('<b class="key', "")
    assert "B has 3 frames right that A has wrong, and 1 wrong that A has right." in page
    assert "One clip: the difference has no interval." in page
    f1 = [figures["f1"] for figures in found.protocols[0].figures]
    assert f"<td>{f1[0]:.4f}</td><td>{f1[1]:.4f}</td><td>{f1[1] - f1[0]:+.4f}</td>" in page
    links = re.findall(r'href="#([^"]+)"', page)
    assert set(links) <= set(re.findall(r'id="([^"]+)"', page))


def test_without_the_clips_the_frames_are_listed(saved: list[SavedRun]) -> None:
    page = comparison_report(compare(saved), {}, "they are <gone>.")

    assert "<p>There are no pictures: they are &lt;gone&gt;.</p>" in page
    assert "<img" not in page
    assert '<td class="long">not found</td><td class="long">found</td>' in page


def test_the_text_says_how_many_frames_changed(saved: list[SavedRun]) -> None:
    text = comparison_as_text(compare(saved))

    assert "B - A: 3 frames right that A has wrong, 1 wrong that A has right" in text
    assert re.search(r"\nA +4 +2 +2 +0 +0 +0\nB +4 +3 +0 +1 +0 +0", text)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("frames", 1, "frames should be an object"),
        ("frames.N.x", "much", r"frames\.N\.x should be a list"),
        ("frames.N.x", [1, 2], r"frames\.N should be about the 6 frames of the clip"),
        ("frames.N.y", [1, 2, 3, 4, 5, True], r"frames\.N\.y\[5\] should be a number"),
        ("frames.N.y", [1, 2, 3, 4, 5, 1e300], r"frames\.N\.y\[5\] should be a number"),
        ("frames.N.fates", {}, r"frames\.N\.fates\.wasb should be a text"),
        ("frames.N.fates.wasb", "++++++++", r"frames\.N should be about the 6 frames of the clip"),
        ("frames.N.fates.wasb", "++++<>", r"frames\.N\.fates\.wasb should be letters among \+nedfx\.-"),
        ("clips.N.frames", "6", r"clips\.N\.frames should be a whole number"),
        ("protocols.wasb.sweep", {}, r"protocols\.wasb\.sweep should be a list"),
        ("protocols.wasb.sweep", [3], r"protocols\.wasb\.sweep\[0\]\.figures should be an object"),
        ("protocols.wasb.sweep", [{"threshold": "a", "figures": {}}], r"sweep\[0\]\.threshold should be a number"),
        ("misses.wasb", 3, r"misses\.wasb\.overall should be an object"),
    ],
)
def test_frames_of_a_file_that_lies_are_named(
    one: Evaluation, tmp_path: Path, path: str, value: Any, message: str
) -> None:
    plain: dict[str, Any] = json.loads(json.dumps(one.as_dict()).replace("a|<b>", "N"))
    *parents, last = path.split(".")
    node = plain
    for key in parents:
        node = node[key]
    node[last] = value
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(plain))

    with pytest.raises(DataError, match=rf"odd\.json: {message}|odd\.json: .*{message}"):
        read_run(file)
