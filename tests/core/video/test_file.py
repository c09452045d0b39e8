"""Videos: the right frame, at the right size, with its points where the half-pixel rule puts them."""

from __future__ import annotations

import io
import os
import pickle
import struct
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from av.error import FFmpegError
from PIL import Image

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError
from tracknet_core.video import ImageFrames, VideoFrames, write_video

STEP = 6  # grey levels between two frames, more than a codec's error


def grey_frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    return [np.full((height, width, 3), STEP * number, np.uint8) for number in range(count)]


def shown_numbers(frames: Sequence[np.ndarray]) -> list[int]:
    return [round(float(frame.mean()) / STEP) for frame in frames]


def played_numbers(source: VideoFrames) -> tuple[list[int], list[int]]:
    """Numbers that a video says its frames have, and those that their pictures show."""
    played = list(source.play())
    return [frame.number for frame in played], shown_numbers([frame.picture for frame in played])


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
    assert VideoFrames(path).video == path
    assert VideoFrames(path.read_bytes()).video is None


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
    turned = next(source.play_luma((48, 64))).picture
    assert turned.shape == (64, 48, 1)
    assert turned[2, -3] > 200


def test_luma_is_that_of_the_colours(video: Path) -> None:
    y, x = np.mgrid[:48, :64]
    soft = np.stack([100 + x, 90 + 2 * y, 160 - x], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    write_video(buffer, [soft] * 5, fps=30)
    source = VideoFrames(buffer.getvalue())
    coloured, (first, *rest) = next(source.play((32, 24))), source.play_luma((32, 24), start=1)
    assert (first.number, len(rest)) == (1, 3)
    assert first.picture.shape == (24, 32, 1)
    expected = coloured.picture @ (0.299, 0.587, 0.114)
    assert np.abs(first.picture[..., 0] - expected).max() < 3
    levels = [int(frame.picture.mean()) for frame in VideoFrames(video).play_luma((64, 48))]
    assert np.abs(np.array(levels) - STEP * np.arange(40)).max() < STEP / 2  # black is 0, and white 255


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
    blobs: tuple[list[tuple[float, float]], list[np.ndarray]],
    size: tuple[int, int] | None,
    assert_half_pixel_rule: Callable[..., None],
) -> None:
    places, frames = blobs
    buffer = io.BytesIO()
    write_video(buffer, frames, fps=30, crf=1)
    assert_half_pixel_rule(VideoFrames(buffer.getvalue()), places, size)


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes on Windows")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(DataError, match=r"pipe\.mp4: a pipe, and frames are read more than once"):
        _ = VideoFrames(tmp_path / "pipe.mp4").size


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
            numbers = [frame.number for frame in VideoFrames(bytes(content)).play()]
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
