"""The page of an evaluation and of a comparison: what is in it, which frames, and that nothing in it is trusted."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import catalogue
import numpy as np
import pytest
import torch
from PIL import Image
from torchmetrics import Metric

from tracknet_core.contracts import Clip, Detections, FrameSource, Size, UInt8Array
from tracknet_core.errors import DataError
from tracknet_core.evaluation.comparison import Comparison, compare
from tracknet_core.evaluation.report.charts import even_ticks, way
from tracknet_core.evaluation.report.page import comparison_report, report
from tracknet_core.evaluation.report.pictures import closeup
from tracknet_core.evaluation.report.text import comparison_as_text
from tracknet_core.evaluation.report.worst_frames import verdicts, worst_moments
from tracknet_core.evaluation.results import Evaluation, Prediction
from tracknet_core.evaluation.saved_runs import read_run
from tracknet_core.evaluation.scoring import score_clips
from tracknet_core.registry import NAMESPACE
from tracknet_plugins.protocols.pck import PCK
from tracknet_plugins.protocols.wasb import WASB

MakeClip = Callable[..., Clip]
Predict = Callable[..., Prediction]


class Found(Metric):
    """Share of the balls that are found at d < 2 px, the same of what was found, and the highest score."""

    rule = "close is d < 2 px & <nothing> else"
    full_state_update = False
    counts: torch.Tensor
    scores: list[torch.Tensor]

    def __init__(self, *, radius: float = 2.0) -> None:
        super().__init__()
        self.radius = radius
        self.add_state("counts", torch.zeros(3, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("scores", [], dist_reduce_fx="cat")

    def update(self, detections: Detections, points: Any, visibility: Any, counted: Any, size: Any) -> None:
        found = detections.present[..., 0] & counted
        ball = counted & (visibility > 0)
        hits = found & ball & ((detections.xy[..., 0, :] - points.mean(-2)).norm(dim=-1) < self.radius)
        self.counts += torch.stack([hits.sum(), ball.sum(), found.sum()])
        self.scores.append(detections.score[..., 0][found])

    def compute(self) -> dict[str, torch.Tensor]:
        hits, balls, found = self.counts
        figures = {"f1": 2 * hits / (balls + found), "precision": hits / found, "recall": hits / balls}
        scores = torch.cat(self.scores)
        return {**figures, "hits": hits, **({"surest": scores.max()} if len(scores) else {})}


@dataclass
class Grey(FrameSource):
    """Grey frames, whose shade is their number; one of them cannot be read."""

    count: int
    broken: int = -1
    size: Size = (320, 240)
    fps: float = 2.0
    reads: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        for index in indices:
            if index == self.broken:
                raise DataError(f"frame {index} cannot be decoded.")
            self.reads.append(index)
            yield np.full((self.size[1], self.size[0], 3), index, np.uint8)


class Links(HTMLParser):
    """Collects what a browser would load, the tags, and the places that links may lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.places: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        self.places += [f"#{value}" for name, value in attrs if name == "id"]


class Tables(HTMLParser):
    """Collects the tables of a page: under the heading before it, each row by its name, its cells by their columns."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[tuple[str, dict[str, dict[str, str]]]] = []
        self._heading = self._text = ""
        self._cells: list[str] = []
        self._columns: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append((self._heading, {}))
            self._columns = []
        if tag in ("h2", "h3", "th", "td"):
            self._text = ""

    def handle_data(self, data: str) -> None:
        if self.lasttag != "small":
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        self.lasttag = tag
        if tag in ("h2", "h3"):
            self._heading = self._text
        elif tag in ("th", "td"):
            self._cells.append(self._text)
        elif tag == "tr":
            if self._columns:
                self.tables[-1][1][self._cells[0]] = dict(zip(self._columns, self._cells, strict=True))
            else:
                self._columns = self._cells
            self._cells = []


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "protocols", "found"), Found)


@pytest.fixture
def make(make_clip: MakeClip, predict: Predict) -> Callable[..., Evaluation]:
    """Evaluate four clips of 2 balls, of which a run finds the given numbers, with a frame without a ball at the end.

    What is not found is missed in the first two clips, and predicted 100 px to the right in the others.
    """

    def make(hits: Sequence[int], source: str = "run", names: Sequence[str] = "abcd", **parameters: Any) -> Evaluation:
        clips = []
        for number, (name, found) in enumerate(zip(names, hits, strict=False)):
            truth = [(50.0, 60.0), (70.0, 60.0), None]
            wrong = [None, None] if number < 2 else [(150.0, 60.0), (170.0, 60.0)]
            clip = make_clip(name, truth, size=(320, 240)).replace(frames=Grey(3))
            clips.append((clip, predict([*truth[:found], *wrong[found:], None], [0.25, 0.5, 0.0])))
        component = {"name": "found", "radius": 2.0, **parameters}
        return score_clips(source, "test", clips, {"found": Found(**parameters)}, components={"found": component})

    return make


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, Evaluation], Path]:
    """Write an evaluation as the command does."""

    def save(name: str, evaluation: Evaluation) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(evaluation.as_dict(), allow_nan=False))
        return path

    return save


@pytest.fixture
def comparison(make: Callable[..., Evaluation], save: Callable[[str, Evaluation], Path]) -> Comparison:
    """B finds one ball more than A in each of four clips, though the clips themselves are very different."""
    files = [save("a.json", make([0, 1, 0, 1])), save("b.json", make([1, 2, 1, 2]))]
    return compare([read_run(path) for path in files])


# ---------------------------------------------------------------------------------------------- the page


def test_a_page_loads_nothing_but_itself(make: Callable[..., Evaluation]) -> None:
    links = Links()
    text = report(make([0, 1, 2, 1]))
    links.feed(text)

    assert all(link.startswith("data:image/jpeg;base64,") or link in links.places for link in links.loaded)
    assert len(set(links.places)) == len(links.places)
    assert {"script", "link", "iframe"}.isdisjoint(links.tags)
    assert "url(" not in text
    assert len(text) < 300_000


def test_a_page_shows_rule_figures_intervals_and_curves(make: Callable[..., Evaluation]) -> None:
    evaluation = make([0, 1, 2, 1])
    text = report(evaluation)
    low, high = evaluation.protocols[0].intervals["recall"]

    assert "close is d &lt; 2 px &amp; &lt;nothing&gt; else" in text
    assert f"<td>0.5000<small>{low:.4f} … {high:.4f}</small></td>" in text  # 4 of 8 balls
    assert text.count('class="curve first"') == 2  # F1 over the threshold, and precision over recall
    assert text.count('class="curve third"') == 1
    assert "visibility easy" in text


def test_names_from_outside_are_text(make: Callable[..., Evaluation]) -> None:
    links = Links()
    text = report(make([0, 1], source="<script>alert(1)</script>", names=['"><script>', "b"]))
    links.feed(text)

    assert "script" not in links.tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert '<h3 id="clip-0">&#34;&gt;&lt;script&gt;</h3>' in text
    assert 'alt="&#34;&gt;' in text


def test_the_worst_clip_is_the_first(make: Callable[..., Evaluation]) -> None:
    text = report(make([2, 0, 2, 1]))

    rows = re.findall(r'<a href="#clip-\d">(\w)</a></th><td>([\d.]+)', text)
    assert rows == [("b", "0.0000"), ("d", "0.5000"), ("a", "1.0000"), ("c", "1.0000")]


def test_a_clip_of_which_nothing_is_known_is_not_the_worst(make_clip: MakeClip, predict: Predict) -> None:
    known = make_clip("known", [(50.0, 60.0)] * 3, size=(320, 240)).replace(frames=Grey(3))
    unknown = make_clip("unknown", [None] * 3, [-1] * 3, size=(320, 240)).replace(frames=Grey(3))
    clips = [(unknown, predict([None] * 3)), (known, predict([(90.0, 60.0), (50.0, 60.0), None]))]

    text = report(score_clips("x", "test", clips, {"wasb": WASB()}))

    rows = re.findall(r'<a href="#clip-\d">(\w+)</a></th><td>([\d.-]+)', text)
    assert rows == [("known", "0.5000"), ("unknown", "-")]


@pytest.mark.parametrize("frames", [1, 2, 3, 8])
def test_the_times_of_a_short_clip_stay_inside_of_the_drawing(
    make_clip: MakeClip, predict: Predict, frames: int
) -> None:
    clip = make_clip("a", [(50.0, 60.0)] * frames, size=(320, 240)).replace(frames=Grey(frames))
    [result] = score_clips("x", "test", [(clip, predict([None] * frames))], {"found": Found()}).clips

    chart = way(result)
    [bottom] = {label.y for label in chart.labels if label.text == "time (s)"}
    labels = [(label.x, float(label.text)) for label in chart.labels if label.y == bottom - 16]

    assert labels[0][1] == 0
    assert all(at <= chart.width - 12 and time <= (frames - 1) / 2 for at, time in labels)


def test_a_trajectory_draws_truth_prediction_and_misses(make: Callable[..., Evaluation]) -> None:
    text = report(make([1, 0, 2, 0], names="abcd"))
    first = text[text.index('<h3 id="clip-0">') : text.index('<h3 id="clip-1">')]

    truths = re.findall(r'class="truth"', first)
    crosses = re.findall(r'd="([^"]*)" class="crosses bad"', first)
    assert len(truths) == 2  # x and y
    assert [path.count("M") for path in crosses] == [1, 1]  # frame 1 is missed
    assert [path.count("M") for path in re.findall(r'd="([^"]*)" class="dots first"', first)] == [1, 1]


def test_a_frame_that_cannot_be_read_costs_its_picture_alone(make_clip: MakeClip, predict: Predict) -> None:
    clip = make_clip("a", [(50, 60), None, None, (50, 60)], size=(320, 240)).replace(frames=Grey(4, broken=0))
    evaluation = score_clips("run", "test", [(clip, predict([None, None, None, (90, 60)]))], {"found": Found()})

    text = report(evaluation)

    assert text.count("This frame cannot be read.") == 1
    assert text.count("<img ") == 1


def test_long_trajectories_are_drawn_for_the_worst_clips(
    make: Callable[..., Evaluation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracknet_core.evaluation.report.page.DRAWN_FRAMES", 7)

    text = report(make([2, 0, 2, 1]))

    assert "Drawn are the worst 2 of 4 clips." in text
    assert re.findall(r'<h3 id="clip-(\d)">', text) == ["1", "3"]


def test_a_page_begins_with_an_overview_and_leads_to_all_parts(make: Callable[..., Evaluation]) -> None:
    text = report(make([0, 1, 2, 1]))

    links = re.findall(r'<a href="#([a-z-]+\d?)">([^<]+)</a>', text[: text.index("<h2")])
    assert [name for _, name in links] == [
        *("Overview", "Protocol found", "Worst clips", "Worst frames", "Trajectories"),
    ]
    assert re.findall(r'<h2 id="([^"]+)">', text) == [anchor for anchor, _ in links]


def test_figures_of_a_page_are_those_of_json(make_clip: MakeClip, predict: Predict) -> None:
    rng = np.random.default_rng(0)
    clips = []
    for name in "ab":
        truth = [tuple(place) for place in rng.uniform(40, 200, (12, 2))]
        places = [(x + rng.normal(0, 4), y) if rng.random() < 0.8 else None for x, y in truth]
        clip = make_clip(name, truth, rng.integers(0, 4, 12).tolist(), size=(320, 240)).replace(frames=Grey(12))
        clips.append((clip, predict(places, rng.random(12).tolist())))
    evaluation = score_clips("x", "test", clips, {"wasb": WASB(), "pck": PCK()})

    tables = Tables(report(evaluation)).tables

    plain = json.loads(json.dumps(evaluation.as_dict()))
    for name, protocol in plain["protocols"].items():
        whole, by_clip = (rows for heading, rows in tables if heading == f"Protocol {name}")
        assert whole["all"] == {"": "all", **_shown(protocol["figures"], whole["all"])}
        easy = whole["visibility easy"]
        assert easy == {"": "visibility easy", **_shown(protocol["classes"]["easy"], easy)}
        for clip, figures in protocol["clips"].items():
            assert by_clip[clip] == {"": clip, **_shown(figures, by_clip[clip])}
    wasb = plain["protocols"]["wasb"]
    [first] = [rows["wasb"] for heading, rows in tables if heading == "Overview" and "wasb" in rows]
    best = {"best f1": wasb["best"]["figures"]["f1"], "at threshold": wasb["best"]["threshold"]}
    assert first == {"protocol": "wasb", **_shown({**wasb["figures"], **best}, first)}
    assert wasb["best"]["figures"]["f1"] == max(point["figures"]["f1"] for point in wasb["sweep"])
    _, classes, of_clips = (rows for heading, rows in tables if heading == "Misses")
    parts = (("visibility", classes, "visibility "), ("speed", classes, "speed "), ("clips", of_clips, ""))
    for part, rows, prefix in parts:
        for row, counts in plain["misses"]["wasb"][part].items():
            shown = {key.replace("_", " "): "-" if count is None else str(count) for key, count in counts.items()}
            assert {name: rows[prefix + row][name] for name in shown} == shown


def _shown(figures: dict[str, Any], like: dict[str, str]) -> dict[str, str]:
    """Return figures as a table shows them, those that it has columns for."""
    shown = {
        name: "-" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"
        for name, value in figures.items()
    }
    return {name: shown.get(name, "-") for name in list(like)[1:]}


def test_the_counts_are_on_the_left_and_carry_no_intervals(make_clip: MakeClip, predict: Predict) -> None:
    clips = [
        (make_clip(name, [(9, 9), None]).replace(frames=Grey(2)), predict([(9, 9), None], [0.5, 0.0])) for name in "ab"
    ]
    text = report(score_clips("x", "test", clips, {"wasb": WASB()}))
    text = text[text.index("Protocol wasb</h2>") :]

    names = re.findall(r">([^<]*)</th>", text[: text.index("</thead>")])
    assert names[:9] == ["", "f1", "precision", "recall", "tp", "fp1", "fp2", "tn", "fn"]
    row = text[text.index('<th scope="row">all</th>') :].split("</tr>")[0]
    assert [("<small>" in cell) for cell in row.split("<td>")[1:]][:8] == [True] * 3 + [False] * 5


def test_the_best_threshold_is_said_beside_the_one_used(make: Callable[..., Evaluation]) -> None:
    evaluation = make([2], names="a")  # the scores are 0.25 and 0.5

    plain = report(evaluation)
    used = report(dataclasses.replace(evaluation, conditions={"threshold": "0.3"}))

    assert "Best threshold: 0.25, with an F1 of 1.0000; as scored, without a threshold, it is 1.0000." in plain
    assert "as scored, at 0.3, it is" in used
    assert ">best 0.25</text>" in used
    assert ">used 0.3</text>" in used
    assert "“best f1” is what" in plain


def test_where_no_threshold_is_best_nothing_explains_one(make: Callable[..., Evaluation]) -> None:
    evaluation = make([2], names="a")
    protocols = tuple(dataclasses.replace(one, best=None) for one in evaluation.protocols)
    assert "best f1" not in report(dataclasses.replace(evaluation, protocols=protocols))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.1885, 0.9866, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.97, 0.9999, [0.97, 0.98, 0.99, 1]),
        (-3, 17, [-5, 0, 5, 10, 15, 20]),
        (0.5, 0.5, [0.5, 0.6]),
        (0, 0, [0, 0.1]),
    ],
)
def test_ticks_are_even_and_round(low: float, high: float, ticks: list[float]) -> None:
    assert even_ticks(low, high) == pytest.approx(ticks)


def test_thresholds_are_drawn_where_they_are(make_clip: MakeClip, predict: Predict) -> None:
    clip = make_clip("a", [(50, 60)] * 4, size=(320, 240)).replace(frames=Grey(4))
    found = predict([(50, 60)] * 4, [0.1, 0.8, 0.85, 0.9])
    text = report(score_clips("run", "test", [(clip, found)], {"found": Found()}))

    chart = text[text.index("f1, precision, recall over") :].split("</svg>")[0]
    dots = re.findall(r'cx="([\d.]+)" .*<title>f1 [\d.]+ at ([\d.]+)</title>', chart)
    ticks = re.findall(r'<text x="([\d.]+)" y="259.0" text-anchor="middle">([\d.]+)</text>', chart)
    (left, start), *_, (right, end) = [(float(x), float(value)) for x, value in ticks]
    assert [value for _, value in dots] == ["0.1", "0.8", "0.85", "0.9"]
    for x, value in dots:
        assert float(x) == pytest.approx(left + (float(value) - start) / (end - start) * (right - left), abs=0.1)


def test_frames_without_a_video_are_listed_and_it_is_said_once(make_clip: MakeClip, predict: Predict) -> None:
    clip = make_clip("a", [(50, 60), None], size=(320, 240)).replace(frames=Grey(2, broken=0))
    text = report(score_clips("run", "test", [(clip, predict([None, None]))], {"found": Found()}))

    assert text.count("There are no pictures: none of these frames can be read, or there is no video.") == 1
    assert "<li>a, frame 0 (0.00 s), in a gap of 1 frames</li>" in text
    assert "<img" not in text
    assert "This frame cannot be read." not in text


# --------------------------------------------------------------------------------------------- the frames


def test_frames_are_judged_without_a_rule(make_clip: MakeClip, predict: Predict) -> None:
    clip = make_clip("a", [(10, 10), (10, 10), (10, 10), None, None], [1, 2, 3, 0, -1])
    [result] = score_clips(
        "x", "test", [(clip, predict([(13, 14), None, None, (1, 1), (2, 2)]))], {"found": Found()}
    ).clips

    verdict = verdicts(result)

    np.testing.assert_array_equal(verdict.distance, np.float32([5, np.nan, np.nan, np.nan, np.nan]))
    assert verdict.missed.tolist() == [False, True, False, False, False]  # a hidden ball is nobody's miss
    assert verdict.false.tolist() == [False, False, False, True, False]  # nobody knows of an unlabelled frame


def test_moments_are_the_worst_and_a_second_apart(make_clip: MakeClip, predict: Predict) -> None:
    truth = [(100.0, 100.0)] * 8 + [None] * 4
    found = [(100 + d, 100.0) if d is not None else None for d in (1, 9, 8, 7, None, 6, None, None)]
    clip = make_clip("a", truth, size=(320, 240)).replace(frames=Grey(12))  # 2 frames per second
    prediction = predict([*found, (1, 1), None, (2, 2), (3, 3)], [0.5] * 8 + [0.1, 0.0, 0.4, 0.9])
    [result] = score_clips("x", "test", [(clip, prediction)], {"found": Found()}).clips

    moments = [(moment.kind, moment.frame, moment.weight) for moment in worst_moments([result], each=2)]

    assert moments == [
        ("far", 1, 9),
        ("missed", 6, 2),
        ("false", 11, pytest.approx(0.9)),
        ("far", 3, 7),  # 2 is next to 1
        ("false", 8, pytest.approx(0.1)),  # 10 is next to 11; the miss in 4 is next to 3
    ]


def test_a_closeup_is_enlarged_and_marks_both_places() -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)

    plain = closeup(frame, None, np.float32([640, 360]))
    near = closeup(frame, np.float32([640, 360]), np.float32([650, 360]))
    far = closeup(frame, np.float32([100, 100]), np.float32([1100, 600]))

    assert plain.shape == near.shape == (360, 480, 3)  # 160 x 120 px, three times as large
    # The part starts at 645 - 80 = 565, so the ring of 9 px has its centre at (640 - 565 + 0.5) * 3 - 0.5.
    assert near[181, 226 - 9].max() > 200
    assert near[181, 226 - 5].max() == 0
    assert far.shape[1] == 480
    assert far.shape[0] < 480 * 720 / 1000
    assert (far.max(axis=2) > 100).sum() > 100


def test_a_closeup_stays_inside_of_the_frame() -> None:
    frame = np.arange(100 * 90 * 3, dtype=np.uint32).reshape(90, 100, 3).astype(np.uint8)

    assert closeup(frame, np.float32([0, 0]), None).shape == (432, 480, 3)


def test_pictures_are_those_of_their_frames(make: Callable[..., Evaluation]) -> None:
    evaluation = make([2, 1, 2, 2])
    text = report(evaluation)

    assert evaluation.clips[1].frames.reads == [1]  # type: ignore[attr-defined]
    for data in re.findall(r"data:image/jpeg;base64,([^\"]+)", text):
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.size == (480, 360)


# ----------------------------------------------------------------------------------------------- comparing


def test_differences_are_paired_by_clip(comparison: Comparison) -> None:
    [protocol] = comparison.protocols
    [difference] = protocol.differences

    assert [figures["hits"] for figures in protocol.figures] == [2, 6]
    assert protocol.figures[1]["recall"] == 6 / 8
    # One hit more in every clip, so four in every draw of four clips, whatever the clips are.
    assert difference.figures["hits"] == 4
    assert difference.intervals["hits"] == (4, 4)
    assert difference.intervals["recall"] == (0.5, 0.5)
    low, high = difference.intervals["precision"]
    assert low < difference.figures["precision"] < high


def test_a_run_does_not_differ_from_itself(
    make: Callable[..., Evaluation], save: Callable[[str, Evaluation], Path]
) -> None:
    evaluation = make([0, 1, 2, 1])
    path = save("a.json", evaluation)

    [protocol] = compare([read_run(path), read_run(path)]).protocols

    assert protocol.figures[0] == pytest.approx(evaluation.protocols[0].figures)
    assert set(protocol.differences[0].figures.values()) == {0}
    assert set(protocol.differences[0].intervals.values()) == {(0.0, 0.0)}


def test_only_shared_clips_count_and_the_reader_is_told(
    make: Callable[..., Evaluation], save: Callable[[str, Evaluation], Path]
) -> None:
    a, b = save("a.json", make([0, 1, 0, 1])), save("b.json", make([2, 0], names="bx"))

    comparison = compare([read_run(a), read_run(b)])

    assert comparison.clips == ("b",)
    assert [figures["hits"] for figures in comparison.protocols[0].figures] == [1, 2]
    assert comparison.protocols[0].differences[0].intervals == {}
    assert comparison.notes == (
        f"{a}: 3 of 4 clips are not in all runs, and are left out.",
        f"{b}: 1 of 2 clips are not in all runs, and are left out.",
        "one clip only is in all runs: the differences have no intervals, and say little about others.",
    )


def test_a_comparison_as_text_and_page(comparison: Comparison) -> None:
    text = comparison_as_text(comparison)
    page = comparison_report(comparison, {})

    assert "B - A from" in text
    assert re.search(r"\nB - A +[\d.-]+ +[\d.-]+ +0\.5000 +4 ", text)
    assert '<td class="sure">+0.5000<small>0.5000 … 0.5000</small></td>' in page
    assert "b.json" in page


def test_scores_that_no_program_gave_survive_the_file(
    make_clip: MakeClip, predict: Predict, save: Callable[[str, Evaluation], Path]
) -> None:
    clips = [(make_clip(name, [(1, 1), None]), predict([(1, 1), None])) for name in "ab"]
    path = save("a.json", score_clips("x", "test", clips, {"found": Found()}))

    [protocol] = compare([read_run(path), read_run(path)]).protocols

    assert protocol.figures[0]["surest"] == float("inf")


def test_runs_that_share_nothing_cannot_be_compared(
    make: Callable[..., Evaluation], save: Callable[[str, Evaluation], Path], make_clip: MakeClip, predict: Predict
) -> None:
    run = read_run(save("a.json", make([0, 1])))
    other_clips = read_run(save("b.json", make([0, 1], names="xy")))
    other_rule = read_run(save("c.json", make([0, 1], radius=5.0)))
    relabelled = [(make_clip(name, [(1, 1)] * 3), predict([None] * 3)) for name in "ab"]
    other_labels = read_run(save("d.json", score_clips("x", "test", relabelled, {"found": Found()})))

    moved = [(make_clip(name, [(51, 60), (71, 60), None]), predict([None] * 3)) for name in "ab"]
    moved_labels = read_run(save("e.json", score_clips("x", "test", moved, {"found": Found()})))

    with pytest.raises(DataError, match=r"no clip is in all of these\. Compare runs of the same data and split\."):
        compare([run, other_clips])
    with pytest.raises(DataError, match=r"no protocol is in all runs with the same rule"):
        compare([run, other_rule])
    with pytest.raises(DataError, match=r"d\.json: the labels of clip 'a' are not those in .*a\.json"):
        compare([run, other_labels])
    with pytest.raises(DataError, match=r"e\.json: the labels of clip 'a' are not those in .*a\.json"):
        compare([run, moved_labels])  # by one pixel, so that the way of the ball is as long, as whole and as smooth


def _changed(plain: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    node = plain
    *parents, last = path.split(".")
    for key in parents:
        node = node[key]
    node[last] = value
    return plain


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("source", 3, "source should be a text"),
        ("clips", None, "clips should be an object"),
        ("clips.a.labels", 3, r"clips\.a\.labels should be a text"),
        ("clips.a", [], r"clips\.a\.labels should be a text"),
        ("protocols.found", 1, r"protocols\.found\.states should be an object"),
        ("protocols.found.states", {}, r"protocols\.found\.states\.a should be an object"),
        ("protocols.found.component", {"name": "nobody"}, "no component of kind 'protocols' is called 'nobody'"),
        ("protocols.found.component", {"name": "found", "radios": 1}, "'found' has no such parameter"),
        ("protocols.found.states.a.counts", [1, 2], r"states\.a\.counts does not hold what 'found' counts"),
        ("protocols.found.states.a.counts", "many", r"states\.a\.counts does not hold"),
        ("protocols.found.states.a.counts", [1, 2, None], r"states\.a\.counts does not hold"),
        ("protocols.found.states.a.counts", [1, 2, -3], r"states\.a\.counts does not hold"),
        ("protocols.found.states.a.counts", [1, 2, 0.5], r"states\.a\.counts does not hold"),
        ("protocols.found.states.a.counts", [1, 2, True], r"states\.a\.counts does not hold"),
        ("protocols.found.states.a.counts", [1, 2, 1e300], r"states\.a\.counts does not hold"),
        ("protocols.found.states.a.counts", [1, 2, 10**400], r"states\.a\.counts does not hold"),
        ("protocols.found.states.a.counts", [1, 2, math.nan], r"states\.a\.counts does not hold"),
        ("protocols.found.states.a.scores", 7, r"states\.a\.scores does not hold"),
        ("protocols.found.states.a.scores", [[0.5], [0.5]], r"states\.a\.scores does not hold"),
        ("protocols.found.states.a.scores", [0.5, "high"], r"states\.a\.scores does not hold"),
        ("protocols.found.states.a.scores", [0.5, math.nan], r"states\.a\.scores does not hold"),
        ("protocols.found.states.a.scores", [0.5, True], r"states\.a\.scores does not hold"),
        ("protocols.found.states.a", {"counts": [1, 2, 3]}, r"states\.a\.scores does not hold"),
    ],
)
def test_a_file_that_lies_is_named_with_the_place(
    make: Callable[..., Evaluation], tmp_path: Path, path: str, value: Any, message: str
) -> None:
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(_changed(make([0, 1]).as_dict(), path, value)))

    with pytest.raises(DataError, match=rf"odd\.json: .*{message}"):
        compare([read_run(file), read_run(file)])


@pytest.mark.parametrize(
    ("state", "value"),
    [
        ("scores", [0.5] * 3),  # there are two hits
        ("hits", [1.0] * 3),
        ("hits", [[1.0, 0.0]] * 2),
        ("squares", None),
        ("squares", math.nan),
        ("squares", [1.0]),
        ("counts", [[-1] * 5] * 4),
        ("counts", [[0.5] * 5] * 4),
    ],
)
def test_counts_of_a_protocol_with_several_states_are_checked(
    make_clip: MakeClip, predict: Predict, tmp_path: Path, state: str, value: Any
) -> None:
    clips = [(make_clip(name, [(9, 9), (9, 9)]), predict([(9, 9), (50, 50)], [0.5, 0.4])) for name in "ab"]
    plain = score_clips("x", "test", clips, {"wasb": WASB()}).as_dict()
    good, odd = tmp_path / "good.json", tmp_path / "odd.json"
    good.write_text(json.dumps(plain))
    odd.write_text(json.dumps(_changed(plain, f"protocols.wasb.states.a.{state}", value)))

    assert compare([read_run(good), read_run(good)]).protocols[0].figures[0]["tp"] == 2
    # Of lists that are not equally long, the second is the one that is named.
    with pytest.raises(DataError, match=r"odd\.json: protocols\.wasb\.states\.a\.\w+ does not hold what 'wasb' counts"):
        compare([read_run(good), read_run(odd)])


@pytest.mark.parametrize("text", ["", "not json", "[1, 2]", "[" * 100_000])
def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(text)

    with pytest.raises(DataError, match=r"odd\.json: .* Name a file that 'tracknet evaluate --json'"):
        read_run(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json: this file cannot be read \(No such file or directory\)"):
        read_run(tmp_path / "none.json")
