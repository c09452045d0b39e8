"""Every file of experiments/data trains, on a small tree in the layout in which its data set is published."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from tracknet_core import run
from tracknet_core.assembly import build_dataset
from tracknet_core.clips import clip_names
from tracknet_core.config import load_data
from tracknet_core.contracts import UInt8Array, Visibility
from tracknet_core.data_sets import main as data_main
from tracknet_core.splits import choose_clips, split_names
from tracknet_core.video import write_video

pytestmark = pytest.mark.slow

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
WIDTH, HEIGHT, FRAMES = 320, 180, 8
LAST = FRAMES - 1


class Rally(NamedTuple):
    """Pictures, and the ball's centre in each but the last, where there is none."""

    pictures: list[UInt8Array]
    places: list[tuple[int, int]]


def rally(number: int) -> Rally:
    """A white ball of 5x5 pixels that flies over a dark pattern of the rally's own."""
    pattern = np.random.default_rng(number).integers(20, 120, (9, 16, 3), dtype=np.uint8)
    background = pattern.repeat(20, axis=0).repeat(20, axis=1)
    places = [(40 + 10 * number + 25 * i, 40 + 15 * i) for i in range(LAST)]
    pictures = [background.copy() for _ in range(FRAMES)]
    for picture, (x, y) in zip(pictures, places, strict=False):
        picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    return Rally(pictures, places)


# --------------------------------------------------------------------------------------------- files of a tree


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_film(path: Path, pictures: Sequence[UInt8Array], fps: float = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, pictures, fps=fps, crf=10)


def write_images(folder: Path, name: str, pictures: Sequence[UInt8Array], first: int = 0) -> None:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures, first):
        Image.fromarray(picture).save(folder / name.format(number), quality=95)


def write_task(path: Path, *body: str, meta: str = "") -> None:
    """Write a file of CVAT."""
    head = '<?xml version="1.0" encoding="utf-8"?>', f"<annotations><version>1.1</version>{meta}"
    write(path, *head, *body, "</annotations>")


def track(places: Sequence[tuple[float, float]], attribute: str = "") -> list[str]:
    """Lines of a track of CVAT that leaves the picture in the last frame."""
    points = [(i, 0, place) for i, place in enumerate(places)] + [(LAST, 1, places[-1])]
    lines = [
        f'<points frame="{i}" outside="{outside}" occluded="{outside}" keyframe="1" points="{x:.2f},{y:.2f}">'
        f"{attribute}</points>"
        for i, outside, (x, y) in points
    ]
    return ['<track id="0" label="ball" source="manual">', *lines, "</track>"]


def visibility_x_y(places: Sequence[tuple[int, int]]) -> list[str]:
    return [f"{i},1,{x},{y}" for i, (x, y) in enumerate(places)] + [f"{LAST},0,0,0"]


# ------------------------------------------------------------------------------- a tree for every published layout


def basketball(root: Path) -> None:
    for number, game in enumerate(("21800909", "21800900", "21800974")):  # of train, val, test
        pictures, places = rally(number)
        write_images(root / "videos" / game / "12", "{:06d}.jpg", pictures)
        write_task(root / "ball-annos" / game / "task_7_12.xml", *track(places))


def blurball(root: Path) -> None:
    for number, match in enumerate(("00", "20", "22")):
        pictures, places = rally(number)
        write_film(root / match / "rallies_videos" / "001.mp4", pictures)
        rows = [f"{row},2,45" for row in visibility_x_y(places)]
        write(root / match / "csv" / "001.csv", "Frame,Visibility,X,Y,l,theta", *rows)


def coco(root: Path) -> None:
    for number, split in enumerate(("train", "val")):
        pictures, places = rally(number)
        write_images(root / "images" / f"match{number}", "{}.jpg", pictures)
        images = [
            {"id": i, "file_name": f"match{number}/{i}.jpg", "width": WIDTH, "height": HEIGHT} for i in range(FRAMES)
        ]
        annotations = [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [x - 2, y - 2, 5, 5]} for i, (x, y) in enumerate(places)
        ]
        tree = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "ball"}]}
        write(root / "annotations" / f"{split}.json", json.dumps(tree))


def csv_beside(root: Path) -> None:
    for number in (1, 2):
        pictures, places = rally(number)
        write_film(root / f"match{number}" / "a.mp4", pictures)
        rows = [f"{i},{x},{y},1" for i, (x, y) in enumerate(places)]
        write(root / f"match{number}" / "a.csv", "frame,x,y,visibility", *rows, f"{LAST},,,0")


def cvat(root: Path) -> None:
    labels = "<labels><label><name>ball</name></label></labels>"
    size = f"<original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size>"
    pictures, places = rally(0)
    centres = [(x + 0.5, y + 0.5) for x, y in places]  # CVAT counts from the corner
    write_film(root / "train" / "rally1.mp4", pictures)
    write_task(root / "train" / "rally1.xml", *track(centres), meta=f"<meta><task>{labels}{size}</task></meta>")
    pictures, places = rally(1)
    write_images(root / "val" / "rally2" / "images", "{:04d}.png", pictures)
    marks = [f'<points label="ball" occluded="0" points="{x + 0.5},{y + 0.5}"></points>' for x, y in places]
    images = [
        f'<image id="{i}" name="{i:04d}.png" width="{WIDTH}" height="{HEIGHT}">{mark}</image>'
        for i, mark in enumerate([*marks, ""])
    ]
    write_task(root / "val" / "rally2" / "annotations.xml", *images, meta=f"<meta><task>{labels}</task></meta>")


def gridtracknet(root: Path) -> None:
    for number in (1, 2):
        pictures, places = rally(number)
        write_images(root / f"match{number}" / "frames", "{}.png", pictures)
        write(root / f"match{number}" / "Labels.csv", "Frame,Visibility,X,Y", *visibility_x_y(places))


def normalized_csv(root: Path) -> None:
    for number in (1, 2):
        pictures, places = rally(number)
        write_film(root / f"match{number}" / "a.mp4", pictures)
        rows = [f"{i},{x / WIDTH:.9f},{y / HEIGHT:.9f},1" for i, (x, y) in enumerate(places)]
        write(root / f"match{number}" / "a.csv", "frame_num,x,y,visible", *rows, f"{LAST},0,0,0")


def opentt(root: Path) -> None:
    for number, name in enumerate(("game_1", "game_5", "test_1")):
        pictures, places = rally(number)
        write_film(root / f"{name}.mp4", pictures, fps=120)
        markup = {str(i): {"x": x, "y": y} for i, (x, y) in enumerate([*places, (-1, -1)])}
        write(root / name / "ball_markup.json", json.dumps(markup, indent=1))


def racketvision(root: Path) -> None:
    for number, split in enumerate(("train", "val", "test")):
        pictures, places = rally(number)
        write(root / "tennis" / "info" / f"{split}.json", json.dumps([[f"match{number}", "003"]]))
        write_film(root / "tennis" / "videos" / f"match{number}_003.mp4", pictures)
        rows = [f"{i},{places[i][0]},{places[i][1]},1" for i in (0, 5)]  # every fifth frame
        write(root / "tennis" / "all" / f"match{number}" / "csv" / "003_ball.csv", "Frame,X,Y,Visibility", *rows)


def shuttlecock(root: Path, matches: Sequence[str] = ("train/match1", "val/match2", "test/match1")) -> None:
    for number, match in enumerate(matches):
        pictures, places = rally(number)
        write_film(root / match / "video" / "1_01_00.mp4", pictures)
        write(root / match / "csv" / "1_01_00_ball.csv", "Frame,Visibility,X,Y", *visibility_x_y(places))


def shuttlecock_v2(root: Path) -> None:
    shuttlecock(root, ("Professional/match1", "Amateur/match3", "Test/match1"))


def soccer(root: Path) -> None:
    for number, camera in enumerate(("ID-1", "ID-4", "ID-5")):
        pictures, places = rally(number)
        write_images(root / "frames" / camera, "{:05d}.png", pictures)
        write_task(
            root / "annos" / f"{camera}.xml",
            *track(places, '<attribute name="used_in_game">1</attribute>'),
            *track([(5, 5)] * LAST, '<attribute name="used_in_game">0</attribute>'),
        )


def tennis(root: Path) -> None:
    for number, game in enumerate((2, 7, 9)):
        pictures, places = rally(number)
        folder = root / f"game{game}" / "Clip1"
        write_images(folder, "{:04d}.jpg", pictures)
        rows = [f"{i:04d}.jpg,1,{x},{y},0" for i, (x, y) in enumerate(places)]
        write(
            folder / "Label.csv", "file name,visibility,x-coordinate,y-coordinate,status", *rows, f"{LAST:04d}.jpg,0,,,"
        )


def volleyball(root: Path) -> None:
    for number, match in enumerate(("1", "0", "4")):  # of train, val, test
        pictures, places = rally(number)
        write_images(root / "videos" / match / "13286", "{}.jpg", pictures, first=13266)
        lines = [f"{x} {y}" for x, y in [*places, (0, 0)]]
        write(root / "volleyball_ball_annotation" / match / "13286.txt", *lines)


BUILDERS: dict[str, Callable[[Path], None]] = {
    "basketball": basketball,
    "blurball": blurball,
    "coco": coco,
    "csv": csv_beside,
    "cvat": cvat,
    "gridtracknet": gridtracknet,
    "normalized_csv": normalized_csv,
    "opentt": opentt,
    "racketvision": racketvision,
    "shuttlecock": shuttlecock,
    "shuttlecock:v2": shuttlecock_v2,
    "soccer": soccer,
    "tennis": tennis,
    "volleyball": volleyball,
}
"""What writes the tree; behind a colon stands the second layout of an experiment file."""

RENDERED = {
    "mixed": [
        f"data.dataset.parts.{p}.{size}" for p in ("badminton", "tennis") for size in ("rallies=[1,1,1]", "frames=16")
    ],
    "rendered": ["data.dataset.rallies=[3,1,1]", "data.dataset.frames=20", "data.dataset.size=[640,360]"],
    "synthetic": ["data.dataset.rallies=[3,1,1]", "data.dataset.frames=16"],
}
"""What makes data sets that are on no disk small."""

FILES = sorted(path.stem for path in (EXPERIMENTS / "data").glob("*.yaml"))
LAYOUTS = sorted({*FILES, *BUILDERS})
WRITTEN = [name for name in FILES if name not in RENDERED]


class Source(NamedTuple):
    """A section of data by name, and what has to be set for it."""

    name: str
    settings: list[str]


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The data of the layout that the test names, written once."""
    layout: str = request.param
    name = layout.partition(":")[0]
    if name in RENDERED:
        return Source(name, RENDERED[name])
    if layout not in BUILDERS:
        pytest.fail(f"experiments/data/{name}.yaml has no builder here. Write what builds a small tree for it.")
    root = tmp_path_factory.mktemp(name)
    BUILDERS[layout](root)
    return Source(name, [f"data.root={root}"])


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)  # a run turns it on for its process


# ------------------------------------------------------------------------------------------------------ the proof


def test_every_builder_is_of_an_experiment_file() -> None:
    assert {layout.partition(":")[0] for layout in BUILDERS} | RENDERED.keys() == set(FILES)


@pytest.mark.parametrize("source", LAYOUTS, indirect=True)
def test_the_experiment_trains(source: Source, tmp_path: Path) -> None:
    arguments = [
        *(str(EXPERIMENTS / "convnext.yaml"), "--data", source.name, *source.settings, "--output-dir", str(tmp_path)),
        *("training.epochs=1", "training.validate_every=1", "training.batch_size=2", "training.accelerator=cpu"),
        *("training.limit_train_batches=1", "training.limit_val_batches=1", "training.data_loader.num_workers=0"),
    ]
    assert run.main(arguments) == 0
    assert len(list(tmp_path.glob("checkpoints/last_*.ckpt"))) == 1
    (metrics,) = tmp_path.glob("logs/*/version_0/metrics.csv")
    with metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for column in ("train/loss", "val/loss"):
        (value,) = [float(row[column]) for row in rows if row[column]]
        assert math.isfinite(value), column


@pytest.mark.parametrize("source", LAYOUTS, indirect=True)
def test_the_check_finds_no_fault(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    code = data_main(["check", "--data", source.name, *source.settings, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["faults"] == []
    assert code == 0
    assert {"train", "val"} <= report["statistics"].keys()


@pytest.mark.parametrize("source", WRITTEN, indirect=True)
def test_the_labels_are_the_centre_of_the_ball(source: Source) -> None:
    dataset = build_dataset(load_data(None, source.settings, source.name))
    rows, columns = np.indices((HEIGHT, WIDTH))
    for clip in (clip for split in dataset.splits for clip in dataset.clips(split)):
        numbers = np.flatnonzero(clip.visibility == Visibility.EASY)
        assert len(numbers) == (2 if source.name == "racketvision" else LAST)
        for number, frame in zip(numbers, clip.frames.read(numbers.tolist()), strict=True):
            brightness = np.clip(frame.mean(axis=2) - 140, 0, None)  # the pattern stays below 120
            centre = np.average(columns, weights=brightness), np.average(rows, weights=brightness)
            assert clip.xy[number] == pytest.approx(centre, abs=0.2), (clip.name, number)


@pytest.mark.parametrize("source", WRITTEN, indirect=True)
def test_published_splits_share_out_all_clips(source: Source) -> None:
    dataset = build_dataset(load_data(None, source.settings, source.name))
    everything = sorted(name for split in dataset.splits for name in clip_names(dataset.clips(split)))
    for published in dataset.published_splits:
        config = load_data(None, [*source.settings, f"data.split={published}"], source.name)
        splits = {split: choose_clips(dataset, config.split, split) for split in split_names(dataset, config.split)}
        assert "train" in splits
        assert all(len(clip) == len(clip.frames) for clips in splits.values() for clip in clips)
        shared_out = sorted(name for clips in splits.values() for name in clip_names(clips))
        copies = len(splits) if published.endswith("_random_frames") else 1  # every split has some frames of each clip
        assert shared_out == sorted(copies * everything), published
