"""The overlay: trails of consecutive frames, and a file for whatever times the pictures and the sound have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import ClipFacts, FrameSource, TrackedFrame, TrackPoint
from tracknet_core.testing import check_constructor, check_writer
from tracknet_core.video import ImageFrames, LiveFrames, VideoFrames
from tracknet_plugins.writers.overlay import TRAIL_SECONDS, Overlay, Trail

SIZE = (160, 96)


@pytest.mark.parametrize("points", [1, 2])
def test_the_contract_is_kept(tmp_path: Path, points: int) -> None:
    check_constructor("writers", Overlay)
    check_writer(lambda clip: Overlay(clip=clip), tmp_path, points=points)


def test_a_stream_has_no_overlay() -> None:
    with pytest.raises(ValueError, match=r"^rtsp://cam is a stream, whose pictures come once\. Record it"):
        Overlay(clip=ClipFacts("rtsp://cam", Path("cam"), LiveFrames("rtsp://cam")))


def tracked(number: int, fps: float, x: float | None, *, track: int = 0) -> TrackedFrame:
    """A frame with a ball at (x, 48), or none."""
    balls = () if x is None else (TrackPoint.at((x, 48.0), 0.5, "detected", track),)
    return TrackedFrame(number, number / fps, balls)


def draw(frames: list[TrackedFrame]) -> tuple[Trail, np.ndarray]:
    """Draw frames on black, and return the last picture."""
    trail = Trail()
    for frame in frames:
        picture = trail.draw(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), frame)
    return trail, picture


def is_lit(picture: np.ndarray, x: int) -> bool:
    """Whether something is drawn at (x, 48)."""
    return bool(picture[46:51, x].max() > 40)


# ---------------------------------------------------------------------------------------------- trails


@pytest.mark.parametrize("fps", [4, 5, 25, 60, 240])
def test_a_trail_joins_frames_that_follow_one_another(fps: float) -> None:
    _, picture = draw([tracked(number, fps, 20.0 + 50 * number) for number in range(3)])
    assert is_lit(picture, 95)


@pytest.mark.parametrize("fps", [5, 25, 60, 240])
def test_a_trail_has_a_gap_where_a_frame_has_no_ball(fps: float) -> None:
    _, picture = draw([tracked(0, fps, 20), tracked(1, fps, None), tracked(2, fps, 120)])
    assert not is_lit(picture, 70)


def test_a_trail_has_a_gap_where_a_frame_is_missing() -> None:
    _, picture = draw([tracked(0, 25, 20), tracked(2, 25, 120)])
    assert not is_lit(picture, 70)


def test_a_trail_ends() -> None:
    frames = round(25 * TRAIL_SECONDS) + 2
    _, picture = draw([tracked(0, 25, 20), tracked(1, 25, 60), *(tracked(2 + n, 25, None) for n in range(frames))])
    assert not picture.any()


def test_tracks_that_ended_are_forgotten() -> None:
    trail, _ = draw([tracked(number, 25, 20, track=number) for number in range(200)])
    assert len(trail._past) <= 25 * TRAIL_SECONDS + 1


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -float("inf")])
def test_a_place_that_is_no_place_is_not_drawn(x: float) -> None:
    _, picture = draw([tracked(0, 25, x), tracked(1, 25, x)])
    assert not picture.any()


def test_a_streak_is_a_line_between_its_ends() -> None:
    _, picture = draw([TrackedFrame(0, 0.0, (TrackPoint(((20.0, 48.0), (140.0, 48.0)), 0.5),))])
    assert all(is_lit(picture, x) for x in (22, 40, 120, 138))
    _, plain = draw([tracked(0, 25, 80)])
    assert not any(is_lit(plain, x) for x in (22, 40, 120, 138))


def test_a_place_far_outside_is_no_fault() -> None:
    _, picture = draw([tracked(0, 25, 1e9), tracked(1, 25, -1e9), tracked(2, 25, 30)])
    assert picture.any()


# ----------------------------------------------------------------------------------------------- files


def write(source: FrameSource, times: list[float], path: Path) -> list[float]:
    """Draw a ball into every frame, and return the times in the overlay."""
    frames = [TrackedFrame(number, time, (TrackPoint.at((30.0, 40.0), 0.5),)) for number, time in enumerate(times)]
    writer = Overlay(clip=ClipFacts("rally", path, source))
    with writer.open({}, resume=False) as output:
        for frame in frames:
            output.write(frame)
    (written,) = writer.paths
    assert [file.name for file in path.parent.iterdir() if "overlay" in file.name] == [written.name]
    return VideoFrames(written).times


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Write 20 grey frames at 25 fps, with sound if wanted."""

    def record(name: str, *, sound: bool = False, title: str = "") -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            container.metadata["title"] = title
            stream = container.add_stream("libx264", rate=25, options={"g": "10"})
            stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
            tone = container.add_stream("aac", rate=48_000, layout="mono") if sound else None
            for number in range(20):
                picture = np.full((SIZE[1], SIZE[0], 3), 6 * number, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = number
                container.mux(stream.encode(frame))
                if tone is not None:
                    samples = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.float32), "fltp", "mono")
                    samples.sample_rate, samples.pts = 48_000, 1920 * number
                    container.mux(tone.encode(samples))
            container.mux(stream.encode())
            if tone is not None:
                container.mux(tone.encode())
        return path

    return record


def sound_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(packet.dts * packet.time_base) for packet in container.demux(audio=0) if packet.size]


def test_frames_at_one_time_are_all_shown(record: Callable[..., Path], tmp_path: Path) -> None:
    path = record("rally.mp4")
    times = [(number - (number == 6)) / 25 for number in range(20)]
    found = write(VideoFrames(path), times, tmp_path / "drawn")
    np.testing.assert_allclose(found, times, atol=1e-4)
    assert len(set(found)) == 20


def test_joined_recordings_keep_their_pictures_and_their_sound(record: Callable[..., Path], tmp_path: Path) -> None:
    path = record("rally.ts", sound=True)
    once = len(sound_times(path))
    path.write_bytes(path.read_bytes() * 3)
    source = VideoFrames(path)
    output = tmp_path / "drawn"
    np.testing.assert_allclose(write(source, source.times, output), np.arange(60) / 25, atol=1e-4)
    heard = sound_times(tmp_path / "drawn_overlay.mp4")
    assert len(heard) == 3 * once
    np.testing.assert_allclose(np.diff(heard), 1024 / 48_000, atol=1e-3)


@pytest.mark.parametrize("fps", [1e-4, 0.01, 240.0, 100_000.0])
def test_a_rate_that_tells_little_is_no_fault(tmp_path: Path, fps: float) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path in paths:
        Image.new("RGB", SIZE).save(path)
    times = [number / max(fps, 0.01) for number in range(4)]
    found = write(ImageFrames(paths, fps=fps), times, tmp_path / "drawn")
    np.testing.assert_allclose(found, times, atol=1e-4)


def test_a_title_that_is_not_utf8_does_not_matter(record: Callable[..., Path], tmp_path: Path) -> None:
    path = record("final.mkv", sound=True, title="Koeln gegen")
    content = path.read_bytes()
    assert content.count(b"Koeln") == 1
    path.write_bytes(content.replace(b"Koeln", b"K\xf6ln "))
    source = VideoFrames(path)
    assert len(write(source, source.times, tmp_path / "final")) == 20
    assert (tmp_path / "final_overlay.mp4").exists()
