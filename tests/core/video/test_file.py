"""Videos and images: the right frame, at the right size, with its points where the half-pixel rule puts them."""

from __future__ import annotations

import io
import pickle
import struct
import wave
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.error import FFmpegError
from PIL import Image, ImageOps

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError
from tracknet_core.video import (
    ImageFrames,
    ImageSizeError,
    VideoFrames,
    decoded,
    demuxed,
    image_files,
    write_video,
)

STEP = 6  # grey levels between two frames, more than a codec's error


def grey_frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    return [np.full((height, width, 3), STEP * number, np.uint8) for number in range(count)]


def shown_numbers(frames: Sequence[np.ndarray]) -> list[int]:
    return [round(float(frame.mean()) / STEP) for frame in frames]


def played_numbers(source: VideoFrames) -> tuple[list[int], list[int]]:
    """Numbers that a video says its frames have, and those that their pictures show."""
    played = list(source.play())
    return [number for number, _ in played], shown_numbers([picture for _, picture in played])


def damage(path: Path, place: int) -> None:
    """Overwrite the data of a packet, counted in the order of the file."""
    with av.open(str(path)) as container:
        packet = [bytes(packet) for packet in container.demux(video=0) if packet.size][place]
    content = path.read_bytes()
    assert content.count(packet) == 1
    path.write_bytes(content.replace(packet, b"\xff" * len(packet)))


def noise_frames(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (96, 128, 3), dtype=np.uint8) for _ in range(count)]


@pytest.fixture
def encode(tmp_path: Path) -> Callable[..., Path]:
    """Write frames with any codec, into any container, at any times (in 1/90 s)."""

    def encode(
        name: str,
        frames: list[np.ndarray],
        *,
        codec: str = "libx264",
        form: str = "yuv420p",
        times: list[int] | None = None,
        title: str = "",
        **options: str,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            container.metadata["title"] = title
            stream = container.add_stream(codec, rate=30, options={"g": "12", "bf": "2", **options})
            stream.height, stream.width, _ = frames[0].shape
            stream.pix_fmt = form
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 90)
            for number, picture in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = number if times is None else times[number]
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return encode


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A video of 40 grey frames, 64x48, with B-frames and a key frame every 12."""
    path = tmp_path / "rally.mp4"
    write_video(path, grey_frames(40), fps=30)
    return path


@pytest.fixture
def blobs() -> tuple[list[tuple[float, float]], list[np.ndarray]]:
    """Places in 640x360 pixels, and pictures with a bright blob there."""
    places = [(100.3, 75.7), (320.5, 180.2), (550.9, 300.4)]
    y, x = np.mgrid[:360, :640]
    grey = [40 + 200 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 4.0**2)) for u, v in places]
    return places, [np.repeat(g.round().astype(np.uint8)[..., None], 3, axis=2) for g in grey]


def centroid(frame: np.ndarray) -> tuple[float, float]:
    weight = np.clip(frame.mean(axis=2) - 60, 0, None)
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
    return float((weight * x).sum() / weight.sum()), float((weight * y).sum() / weight.sum())


def assert_half_pixel_rule(
    source: FrameSource, places: list[tuple[float, float]], size: tuple[int, int] | None
) -> None:
    width, height = size or source.size
    frames = list(source.read(range(len(places)), size))
    assert [frame.shape for frame in frames] == [(height, width, 3)] * len(places)
    expected = [((u + 0.5) * width / 640 - 0.5, (v + 0.5) * height / 360 - 0.5) for u, v in places]
    np.testing.assert_allclose([centroid(frame) for frame in frames], expected, atol=0.05)


# ------------------------------------------------------------------------------------------- the frame


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("rally.mp4", {}),
        ("rally.mkv", {}),
        ("rally.ts", {}),
        ("open_gop.ts", {"x264-params": "open-gop=1:scenecut=0"}),
        ("varying_rate.mp4", {"times": [3 * number + (number % 3 == 1) for number in range(40)]}),
        ("one_key_frame.mp4", {"g": "250"}),
        ("only_key_frames.mp4", {"g": "1"}),
        ("no_times.h264", {}),
        ("decoding_order.avi", {}),
        ("mpeg4.avi", {"codec": "mpeg4", "b": "4000000"}),
    ],
)
def test_frame_n_is_the_nth_that_is_shown(encode: Callable[..., Path], name: str, settings: dict[str, str]) -> None:
    source = VideoFrames(encode(name, grey_frames(40), **settings))
    assert isinstance(source, FrameSource)
    assert (len(source), source.size) == (40, (64, 48))
    rng = np.random.default_rng(0)
    requests = [range(40), [0], [39], [13, 14, 38], [11, 12, 35]]
    requests += [sorted(rng.choice(40, size=size, replace=False).tolist()) for size in (1, 2, 3, 5, 9) * 4]
    for indices in requests:
        assert shown_numbers(list(source.read(indices))) == list(indices)


def test_times_are_seconds_from_the_first_frame(encode: Callable[..., Path]) -> None:
    varying = VideoFrames(encode("varying.mp4", grey_frames(4), times=[9, 12, 16, 18]))
    assert varying.times == pytest.approx([0, 3 / 90, 7 / 90, 9 / 90], abs=1e-4)
    untimed = VideoFrames(encode("untimed.avi", grey_frames(4)))
    assert untimed.times == pytest.approx([0, 1 / 30, 2 / 30, 3 / 30])


def test_the_path_is_that_of_a_file_and_none_in_memory(encode: Callable[..., Path]) -> None:
    path = encode("rally.mp4", grey_frames(2))
    assert VideoFrames(path).path == path
    assert VideoFrames(path.read_bytes()).path is None


def test_seeks_that_land_late_still_give_the_right_frame(encode: Callable[..., Path]) -> None:
    # MPEG-TS has no index: FFmpeg guesses a byte, and frames of very different size mislead it.
    rng = np.random.default_rng(0)
    frames = [
        (np.full((48, 64, 3), number % 100) + (number % 7 > 0) * rng.integers(0, 100, (48, 64, 3))).astype(np.uint8)
        for number in range(240)
    ]
    source = VideoFrames(encode("rally.ts", frames, g="30", **{"x264-params": "scenecut=0"}))
    in_order = list(source.read(range(240)))
    for number in range(3, 240, 9):
        np.testing.assert_array_equal(next(source.read([number])), in_order[number])


def test_frames_that_an_edit_list_cuts_away_do_not_count(encode: Callable[..., Path], tmp_path: Path) -> None:
    trimmed = tmp_path / "trimmed.mp4"
    options = {"avoid_negative_ts": "disabled"}
    with (
        av.open(str(encode("whole.mp4", grey_frames(40)))) as whole,
        av.open(str(trimmed), "w", container_options=options) as container,
    ):
        shown = whole.streams.video[0]
        stream = container.add_stream_from_template(shown)
        for packet in whole.demux(shown):
            if packet.pts is not None:
                shift = round(17 / 30 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                container.mux(packet)
    source = VideoFrames(trimmed)
    assert len(source) == 23
    for indices in (range(23), [0, 2], [6, 7, 20]):
        assert shown_numbers(list(source.read(indices))) == [17 + number for number in indices]


def test_frames_of_a_recording_that_starts_late_count_from_its_first_key_frame(encode: Callable[..., Path]) -> None:
    path = encode("rally.ts", grey_frames(40), **{"x264-params": "open-gop=1:scenecut=0"})
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.pts is not None]
    data = path.read_bytes()
    path.write_bytes(data[: packets[0].pos] + data[packets[5].pos :])  # keeps the tables, loses the first key frame
    source = VideoFrames(path)
    assert len(source) == 28
    for indices in (range(28), [0, 1], [11, 12, 27]):
        assert shown_numbers(list(source.read(indices))) == [12 + number for number in indices]


def test_a_rotated_video_is_read_as_it_is_shown() -> None:
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:8, :8] = 255  # top left as stored: top right when turned clockwise
    buffer = io.BytesIO()
    write_video(buffer, [frame] * 3, fps=30)
    data = bytearray(buffer.getvalue())
    matrix = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2: (x, y) -> (-y, x)
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    source = VideoFrames(bytes(data))
    assert source.size == (48, 64)
    shown = next(source.read([0]))
    assert shown.shape == (64, 48, 3)
    assert shown[2, -3].min() > 200
    assert shown[2, 2].max() < 50
    assert next(source.read([0], (24, 32))).shape == (32, 24, 3)


def test_bytes_are_read_like_a_file(video: Path) -> None:
    from_file, from_bytes = VideoFrames(video), VideoFrames(video.read_bytes())
    np.testing.assert_array_equal(list(from_bytes.read([1, 30])), list(from_file.read([1, 30])))


def test_more_threads_give_the_same_frames(video: Path) -> None:
    indices = [3, 17, 18, 39]
    assert shown_numbers(list(VideoFrames(video, thread_count=2).read(indices))) == indices


def test_a_video_survives_pickling_before_during_and_after_use(video: Path) -> None:
    source = VideoFrames(video)
    fresh = pickle.loads(pickle.dumps(source))
    frames = source.read([4, 20])
    assert shown_numbers([next(frames)]) == [4]
    used = pickle.loads(pickle.dumps(source))
    for copy in (fresh, used):
        assert (len(copy), copy.size, copy.fps) == (40, (64, 48), 30.0)
        assert shown_numbers(list(copy.read([21]))) == [21]


def test_two_readings_of_a_video_do_not_disturb_each_other(video: Path) -> None:
    source = VideoFrames(video)
    pairs = zip(source.read([0, 5, 30]), source.read([2, 25, 26]), strict=True)
    assert [shown_numbers(pair) for pair in pairs] == [[0, 2], [5, 25], [30, 26]]


def test_the_frame_rate_of_television_is_kept(video: Path) -> None:
    write_video(video, grey_frames(5), fps=30000 / 1001)
    assert VideoFrames(video).fps == 30000 / 1001


# ------------------------------------------------------------------------------------ size and colour


@pytest.mark.parametrize("size", [None, (512, 288), (256, 144), (300, 200), (800, 450)])
def test_resizing_a_video_moves_points_by_the_half_pixel_rule(
    blobs: tuple[list[tuple[float, float]], list[np.ndarray]], size: tuple[int, int] | None
) -> None:
    places, frames = blobs
    buffer = io.BytesIO()
    write_video(buffer, frames, fps=30, crf=1)
    assert_half_pixel_rule(VideoFrames(buffer.getvalue()), places, size)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("size", [None, (512, 288), (256, 144), (300, 200), (800, 450)])
def test_resizing_images_moves_points_by_the_half_pixel_rule(
    blobs: tuple[list[tuple[float, float]], list[np.ndarray]],
    tmp_path: Path,
    suffix: str,
    size: tuple[int, int] | None,
) -> None:
    places, frames = blobs
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{number}.{suffix}")
    assert_half_pixel_rule(ImageFrames(image_files(tmp_path), fps=30), places, size)


def test_a_jpeg_whose_size_is_no_multiple_keeps_the_half_pixel_rule(
    blobs: tuple[list[tuple[float, float]], list[np.ndarray]], tmp_path: Path
) -> None:
    # libjpeg gives 160x90 for a quarter of 637x357: the image ends inside the last column and row.
    places, frames = blobs
    for number, frame in enumerate(frames):
        Image.fromarray(frame[:357, :637]).save(tmp_path / f"{number}.jpg", quality=95)
    found = [centroid(frame) for frame in ImageFrames(image_files(tmp_path), fps=30).read([0, 1, 2], (160, 90))]
    expected = [((u + 0.5) * 160 / 637 - 0.5, (v + 0.5) * 90 / 357 - 0.5) for u, v in places]
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_channels_are_red_green_blue(tmp_path: Path) -> None:
    colour = np.full((48, 64, 3), (200, 100, 30), np.uint8)
    write_video(tmp_path / "rally.mp4", [colour], fps=30)
    Image.fromarray(colour).save(tmp_path / "0.png")
    for source in (VideoFrames(tmp_path / "rally.mp4"), ImageFrames([tmp_path / "0.png"], fps=30)):
        (frame,) = source.read([0])
        assert frame.dtype == np.uint8
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), (200, 100, 30), atol=3)


# ------------------------------------------------------------------------------------------ bad videos


def test_a_missing_video_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.mp4: there is no such video"):
        len(VideoFrames(tmp_path / "nowhere.mp4"))


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a video")
    with pytest.raises(DataError, match=r"notes\.mp4: this is not a video that can be read"):
        _ = VideoFrames(path).size


def test_a_file_without_pictures_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
    with pytest.raises(DataError, match=r"sound\.wav: there are no pictures"):
        len(VideoFrames(path))


def test_a_video_of_no_frames_is_named(video: Path) -> None:
    with av.open(str(video)) as container:
        first = next(container.demux(container.streams.video[0]))
    data = bytearray(video.read_bytes())
    assert first.pos is not None
    data[first.pos :] = bytes(len(data) - first.pos)
    with pytest.raises(DataError, match=r"^rally of zeros: "):
        len(VideoFrames(bytes(data), name="rally of zeros"))


def test_a_video_broken_in_the_middle_gives_the_frames_before_and_names_the_bad_one(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    write_video(path, noise_frames(40), fps=30)
    intact = list(VideoFrames(path).read(range(20)))
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    middle = start + (len(data) - start) // 2
    data[middle : middle + 20_000] = bytes(20_000)
    path.write_bytes(data)
    frames = VideoFrames(path).read(range(40))
    good: list[np.ndarray] = []
    with pytest.raises(DataError) as caught:
        good.extend(frames)
    assert 10 < len(good) < 20
    np.testing.assert_array_equal(good, intact[: len(good)])
    assert str(caught.value).startswith(f"{path}: frame {len(good)} cannot be decoded")


def test_a_damaged_frame_is_refused_though_the_decoder_would_patch_it(encode: Callable[..., Path]) -> None:
    path = encode("rally.mp4", noise_frames(12))
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.pts is not None]
    data = bytearray(path.read_bytes())
    end = packets[0].pos + packets[0].size
    data[end - 2000 : end] = bytes(2000)  # the lower part of the first key frame
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"rally\.mp4: frame 0 cannot be decoded"):
        list(VideoFrames(path).read([0]))


def test_damage_between_the_frames_that_are_read_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "rally.mp4"
    write_video(path, noise_frames(40), fps=30, gop=10)
    (intact,) = VideoFrames(path).read([39])
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.pts is not None]
    data = bytearray(path.read_bytes())
    start, end = packets[12].pos, packets[13].pos
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
    frames = list(VideoFrames(path).read([0, 39]))
    np.testing.assert_array_equal(frames[1], intact)


@pytest.mark.parametrize(
    ("name", "settings", "lost"),
    [
        ("every_key.mp4", {"g": "1"}, 1),
        ("gop.mp4", {}, 12),  # nothing of the first group can be decoded without its key frame
        ("gop.mkv", {}, 12),
        ("gop.mov", {"codec": "mjpeg", "form": "yuvj420p", "bf": "0"}, 1),
        ("pictures.mkv", {"codec": "mjpeg", "form": "yuvj420p", "bf": "0"}, 1),
        ("pictures.avi", {"codec": "mjpeg", "form": "yuvj420p", "bf": "0"}, 1),
    ],
)
def test_damage_to_the_first_frame_moves_no_other(
    encode: Callable[..., Path], name: str, settings: dict[str, str], lost: int
) -> None:
    path = encode(name, grey_frames(30), **{"x264-params": "scenecut=0", **settings})
    damage(path, 0)
    source = VideoFrames(path)
    assert (len(source), source.size) == (30, (64, 48))
    expected = list(range(lost, 30))
    assert played_numbers(source) == (expected, expected)
    assert shown_numbers(list(source.read([lost, 29]))) == [lost, 29]
    with pytest.raises(DataError, match="frame 0 cannot be decoded"):
        list(source.read([0]))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("pictures.avi", {"codec": "mjpeg", "form": "yuvj420p", "bf": "0"}),
        ("every_key.avi", {"g": "1", "bf": "0"}),
        ("mpeg4.avi", {"codec": "mpeg4", "g": "1", "bf": "0", "b": "4000000"}),
    ],
)
def test_a_broken_frame_in_a_container_without_times_is_one_missing_frame(
    encode: Callable[..., Path], name: str, settings: dict[str, str]
) -> None:
    path = encode(name, grey_frames(40), **settings)
    damage(path, 17)
    source = VideoFrames(path)
    assert len(source) == 40
    expected = [*range(17), *range(18, 40)]
    assert played_numbers(source) == (expected, expected)
    assert shown_numbers(list(source.read([16, 18, 39]))) == [16, 18, 39]
    with pytest.raises(DataError, match="frame 17 cannot be decoded"):
        list(source.read([17]))


def test_frames_after_a_broken_one_keep_their_numbers_though_the_decoder_is_behind(
    encode: Callable[..., Path],
) -> None:
    path = encode("reordered.avi", grey_frames(40), **{"x264-params": "scenecut=0"})
    damage(path, 17)
    numbers, shown = played_numbers(VideoFrames(path))
    assert (len(VideoFrames(path)), len(numbers)) == (40, 39)
    # Where B-frames reorder the packets, the gap may stand a frame or two beside the right place.
    assert [pair for pair in zip(numbers, shown, strict=True) if not 14 < pair[0] < 20 and pair[0] != pair[1]] == []


def test_any_refusal_of_a_decoder_is_one_missing_frame(
    encode: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # ProRes answers to odd bytes in its frame header with several errors that are no InvalidDataError.
    path = encode("broken.mov", grey_frames(8), codec="prores_ks", form="yuv422p10le")
    with av.open(str(path)) as container:
        packet = [bytes(packet) for packet in container.demux(video=0) if packet.size][5]
    whole = path.read_bytes()
    start = whole.index(packet)
    refusals = set()
    for place in range(8, 32, 3):
        for value in (0x40, 0xFF):
            content = bytearray(whole)
            content[start + place] = value
            refusals |= set(errors_of(bytes(content)))
            numbers = [number for number, _ in VideoFrames(bytes(content)).play()]
            assert numbers in ([0, 1, 2, 3, 4, 6, 7], list(range(8)))
    assert refusals - {"InvalidDataError"}


def errors_of(content: bytes) -> list[str]:
    errors = []
    with av.open(io.BytesIO(content)) as container:
        for packet in container.demux(video=0):
            try:
                for frame in packet.decode():
                    frame.to_ndarray(format="rgb24")
            except FFmpegError as error:
                errors.append(type(error).__name__)
    return errors


def test_memory_that_runs_out_is_no_broken_frame() -> None:
    class Packet:
        def decode(self) -> list[object]:
            raise av.error.MemoryError(12, "Cannot allocate memory")

    with pytest.raises(MemoryError):
        list(decoded([Packet()]))  # type: ignore[list-item]


def test_a_container_that_breaks_off_is_named(video: Path) -> None:
    class Container:
        def demux(self, stream: object) -> Iterator[object]:
            yield "the first packet"
            raise av.error.OSError(5, "Input/output error")

    packets = demuxed(Container(), None, "rally.mp4")  # type: ignore[arg-type]
    assert next(packets) == "the first packet"
    with pytest.raises(DataError, match=r"^rally\.mp4: broke off, and cannot be read on \(Input/output error\)"):
        next(packets)


def test_a_title_that_is_not_utf8_does_not_matter(encode: Callable[..., Path]) -> None:
    path = encode("final.mkv", grey_frames(5), title="Koeln gegen")
    content = path.read_bytes()
    assert content.count(b"Koeln") == 1
    path.write_bytes(content.replace(b"Koeln", b"K\xf6ln "))
    assert shown_numbers(list(VideoFrames(path).read(range(5)))) == [0, 1, 2, 3, 4]


def test_frames_at_one_time_are_different_frames(encode: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "repeated.mkv"
    with (
        av.open(str(encode("even.mkv", grey_frames(12), codec="mjpeg", form="yuvj420p", bf="0"))) as even,
        av.open(str(path), "w") as container,
    ):
        stream = container.add_stream_from_template(even.streams.video[0])
        for number, packet in enumerate(packet for packet in even.demux(video=0) if packet.size):
            packet.pts = packet.dts = (number - (number == 6)) * 40  # frames 5 and 6
            packet.stream = stream
            container.mux(packet)
    source = VideoFrames(path)
    assert len(source) == 12
    assert source.times[5] == source.times[6]
    assert played_numbers(source) == (list(range(12)), list(range(12)))
    for indices in ([5], [6], [5, 6], [4, 7], [11]):
        assert shown_numbers(list(source.read(indices))) == indices


@pytest.mark.parametrize("suffix", ["ts", "mkv", "mpg"])
def test_joined_recordings_follow_one_another(encode: Callable[..., Path], suffix: str) -> None:
    codec = {"codec": "mpeg2video", "b": "4000000"} if suffix == "mpg" else {"x264-params": "scenecut=0"}
    path = encode(f"rally.{suffix}", grey_frames(20), g="10", **codec)
    path.write_bytes(path.read_bytes() * 2)
    source = VideoFrames(path)
    assert len(source) == 40
    np.testing.assert_allclose(source.times, np.arange(40) / 30, atol=2e-3)  # Matroska counts in ms
    assert played_numbers(source) == (list(range(40)), [*range(20), *range(20)])
    for indices in ([0, 19, 20, 39], [20], [31]):
        assert shown_numbers(list(source.read(indices))) == [number % 20 for number in indices]


def test_pictures_that_come_late_are_left_out(encode: Callable[..., Path]) -> None:
    # As decoders do after damage: frame 3 comes when 4 has been given.
    index = VideoFrames(encode("rally.mkv", grey_frames(6)))._index
    times = [index.times[number] for number in (0, 1, 2, 4, 3, 5)]
    pictures = [av.VideoFrame(64, 48, "yuv420p") for _ in times]
    for picture, time in zip(pictures, times, strict=True):
        picture.pts = time
    assert [number for number, _ in index._by_time(pictures)] == [0, 1, 2, 4, 5]


def test_a_video_cut_off_while_it_was_written_is_named(video: Path) -> None:
    video.write_bytes(video.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"rally\.mp4: this is not a video that can be read"):
        len(VideoFrames(video))


@pytest.mark.parametrize(("indices", "wrong"), [([-1, 3], -1), ([38, 40], 40)])
def test_an_index_outside_the_video_is_refused_at_once(video: Path, indices: list[int], wrong: int) -> None:
    with pytest.raises(DataError, match=rf"rally\.mp4: there is no frame {wrong}; the frames are 0 to 39"):
        VideoFrames(video).read(indices)


@pytest.mark.parametrize("indices", [[3, 2], [3, 3]])
def test_indices_that_do_not_ascend_are_refused(video: Path, indices: list[int]) -> None:
    with pytest.raises(ValueError, match="ascend strictly"):
        VideoFrames(video).read(indices)


def test_no_indices_give_no_frames(video: Path) -> None:
    assert list(VideoFrames(video).read([])) == []


# --------------------------------------------------------------------------------------------- writing


def test_the_same_frames_give_the_same_bytes_in_a_file_and_in_memory(tmp_path: Path) -> None:
    buffers = [io.BytesIO(), io.BytesIO()]
    for target in (tmp_path / "rally.mp4", *buffers):
        write_video(target, noise_frames(20), fps=25)
    assert buffers[0].getvalue() == buffers[1].getvalue() == (tmp_path / "rally.mp4").read_bytes()


def test_key_frames_are_at_most_a_gop_apart(tmp_path: Path) -> None:
    path = tmp_path / "rally.mp4"
    write_video(path, grey_frames(40), fps=30, gop=8)
    with av.open(str(path)) as container:
        keys = [packet.is_keyframe for packet in container.demux(container.streams.video[0]) if packet.pts is not None]
    assert np.diff(np.flatnonzero([*keys, True])).max() <= 8


def test_an_odd_size_grows_by_one_pixel_at_the_right_and_bottom(tmp_path: Path) -> None:
    frame = np.full((47, 63, 3), 40, np.uint8)
    frame[20:30, 30:40] = 200
    write_video(tmp_path / "odd.mp4", [frame], fps=30, crf=1)
    source = VideoFrames(tmp_path / "odd.mp4")
    assert source.size == (64, 48)
    (found,) = source.read([0])
    np.testing.assert_allclose(found[:47, :63].astype(int), frame, atol=8)
    np.testing.assert_allclose(found[47].astype(int), 40, atol=8)


def test_a_failure_leaves_the_old_video_and_no_other_file(video: Path) -> None:
    before = video.read_bytes()

    def failing():
        yield from grey_frames(3)
        raise RuntimeError("the renderer broke")

    with pytest.raises(RuntimeError, match="the renderer broke"):
        write_video(video, failing(), fps=30)
    assert video.read_bytes() == before
    assert [path.name for path in video.parent.iterdir()] == ["rally.mp4"]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames to write"),
        ([np.zeros((48, 64), np.uint8)], r"not of shape \(48, 64\)"),
        ([np.zeros((48, 64, 3), np.float32)], "frame 0 is float32"),
        (
            [np.zeros((48, 64, 3), np.uint8), np.zeros((48, 60, 3), np.uint8)],
            r"frame 1 is uint8 of shape \(48, 60, 3\)",
        ),
    ],
)
def test_frames_that_are_no_pictures_of_one_size_are_refused(frames: list[np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_video(io.BytesIO(), frames, fps=30)


# ---------------------------------------------------------------------------------------------- images


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Twelve grey images, 64x48, whose names sort wrongly as text."""
    for number, frame in enumerate(grey_frames(12)):
        Image.fromarray(frame).save(tmp_path / f"{number}.png")
    return image_files(tmp_path)


def test_images_are_found_in_natural_order(images: list[Path]) -> None:
    folder = images[0].parent
    (folder / "notes.txt").write_text("")
    (folder / "._3.png").write_bytes(b"")
    assert [path.name for path in image_files(folder)] == [f"{number}.png" for number in range(12)]


def test_images_are_read_by_number(images: list[Path]) -> None:
    source = ImageFrames(images, fps=25)
    assert isinstance(source, FrameSource)
    assert (len(source), source.size, source.fps) == (12, (64, 48), 25)
    assert shown_numbers(list(source.read([0, 2, 11]))) == [0, 2, 11]
    assert [frame.shape for frame in source.read([1], (32, 20))] == [(20, 32, 3)]


def test_a_grey_image_is_delivered_as_rgb(images: list[Path]) -> None:
    Image.new("L", (64, 48), 77).save(images[3])
    (frame,) = ImageFrames(images, fps=25).read([3])
    np.testing.assert_array_equal(frame, np.full((48, 64, 3), 77))


def test_images_survive_pickling(images: list[Path]) -> None:
    source = ImageFrames(images, fps=25)
    assert source.size == (64, 48)
    assert shown_numbers(list(pickle.loads(pickle.dumps(source)).read([5]))) == [5]


def test_sixteen_bits_of_grey_are_scaled(images: list[Path]) -> None:
    Image.fromarray(np.full((48, 64), 77 * 256 + 128, np.uint16)).save(images[3])
    (frame,) = ImageFrames(images, fps=25).read([3])
    np.testing.assert_array_equal(frame, np.full((48, 64, 3), 77))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reduced", [False, True])
def test_an_image_is_read_as_it_is_shown(tmp_path: Path, suffix: str, orientation: int, reduced: bool) -> None:
    stored = np.zeros((96, 128, 3), np.uint8)
    stored[:24, :16] = 255  # the corner tells the eight orientations apart
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"0.{suffix}"
    Image.fromarray(stored).save(path, exif=exif)
    with Image.open(path) as image:
        expected = ImageOps.exif_transpose(image)
    source = ImageFrames([path], fps=25)
    assert source.size == expected.size == ((96, 128) if orientation > 4 else (128, 96))
    size = (source.size[0] // 4, source.size[1] // 4) if reduced else source.size
    (frame,) = source.read([0], size)
    np.testing.assert_allclose(frame.astype(int), np.asarray(expected.resize(size, Image.Resampling.BOX)), atol=60)


def test_a_broken_note_of_orientation_does_not_matter(images: list[Path]) -> None:
    path = images[0].with_suffix(".jpg")
    Image.new("RGB", (64, 48), (77, 77, 77)).save(path, exif=b"Exif\x00\x00no such thing")
    (frame,) = ImageFrames([path], fps=25).read([0])
    np.testing.assert_allclose(frame, 77, atol=1)


def test_the_size_is_that_of_the_first_image_that_can_be_read(images: list[Path]) -> None:
    images[0].write_bytes(b"no image")
    source = ImageFrames(images, fps=25)
    assert source.size == (64, 48)
    assert shown_numbers(list(source.read([1, 2]))) == [1, 2]
    with pytest.raises(DataError, match=r"/0\.png: this image cannot be read"):
        list(source.read([0]))


def test_images_of_which_none_can_be_read_are_named(images: list[Path]) -> None:
    for path in images:
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"/0\.png: this image cannot be read"):
        _ = ImageFrames(images, fps=25).size


def test_a_missing_image_is_named(images: list[Path]) -> None:
    images[4].unlink()
    frames = ImageFrames(images, fps=25).read([3, 4])
    next(frames)
    with pytest.raises(DataError, match=r"4\.png: there is no such image"):
        next(frames)


@pytest.mark.parametrize("keep", [0, 20, 100])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_an_image_that_breaks_off_is_named(tmp_path: Path, suffix: str, keep: int) -> None:
    path = tmp_path / f"0.{suffix}"
    Image.fromarray(noise_frames(1)[0]).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"0\.{suffix}: this image cannot be read"):
        list(ImageFrames([path], fps=25).read([0]))


def test_an_image_of_another_size_is_named(images: list[Path]) -> None:
    Image.new("RGB", (32, 48)).save(images[7])
    with pytest.raises(ImageSizeError, match=r"7\.png: this image has 32x48 pixels, but the first .* has 64x48"):
        list(ImageFrames(images, fps=25).read([7]))


def test_an_index_outside_the_images_is_refused_at_once(images: list[Path]) -> None:
    with pytest.raises(DataError, match="there is no frame 12; the frames are 0 to 11"):
        ImageFrames(images, fps=25).read([12])


def test_a_clip_of_no_images_is_refused() -> None:
    with pytest.raises(ValueError, match="'paths' is empty"):
        ImageFrames([], fps=25)
