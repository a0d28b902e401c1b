"""Video encoder: its output as a player decodes it."""

import ctypes
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import Colorspace, VideoReformatter

from darkroom.contract.digital_source import DigitalSource
from pipeline.core.arrays import Rgb
from pipeline.scenes.intermediate_files import file_digest
from pipeline.speech.types import SAMPLE_RATE
from pipeline.video import FPS
from pipeline.video.audio import StereoSamples
from pipeline.video.decoder import decode_frames
from pipeline.video.encoder import AVX512_SKX, CONVERSION, VideoWriter, encode_video, instruction_set_options
from tests.pipeline.uninterrupted import decode_stereo

WIDTH, HEIGHT = 160, 96
AVX2 = 11  # OpenCV's ``CV_CPU_AVX2``
M_PERTURB = -6  # of glibc's ``mallopt``


def patches(*colours: tuple[int, int, int]) -> Rgb:
    """Return a picture of the colours side by side."""
    return np.repeat(np.asarray(colours, np.uint8)[None], HEIGHT, 0).repeat(WIDTH // len(colours), 1)


def sample_frames(frames: int) -> Iterator[Rgb]:
    """Return frames whose grey encodes their number."""
    return (np.full((HEIGHT, WIDTH, 3), 10 + 2 * number, np.uint8) for number in range(frames))


def tone_block(at: float, seconds: float) -> StereoSamples:
    """A tenth of a second of 1 kHz in otherwise silent sound."""
    sound = np.zeros((round(seconds * SAMPLE_RATE), 2), np.float32)
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE // 10) / SAMPLE_RATE)
    start = round(at * SAMPLE_RATE)
    sound[start : start + len(tone)] = tone[:, None]
    return sound


def fill_new_memory(byte: int) -> None:
    """Have glibc fill memory that is allocated from now on with the complement of a byte; 0: leave it as it is.

    What reads uninitialised memory gives something else then: of 1 to 3, small negative numbers, which x264 takes for
    motion vectors within the frame.
    """
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_PERTURB, byte)


def encoded_grain(path: Path, *, unrestricted: bool = False) -> str:
    """The digest of a video of fine detail that moves, ten macroblocks wide: no multiple of the eight of AVX-512."""
    width, height = 160, 400
    grain = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    encode_video(
        path,
        [np.roll(grain, number, 1) for number in range(25)],
        [tone_block(0.2, 1)],
        width,
        height,
        intermediate=unrestricted,
    )
    return file_digest(path)


def sound_of(path: Path) -> StereoSamples:
    return np.concatenate(list(decode_stereo(path)))


def boxes(path: Path) -> list[bytes]:
    """The kinds of an MP4's outermost boxes, in their order (ISO/IEC 14496-12, §4.2)."""
    data, kinds, at = path.read_bytes(), [], 0
    while at < len(data):
        kinds.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    return kinds


def test_every_frame_is_decoded_at_its_position(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    count = encode_video(path, sample_frames(63), None, WIDTH, HEIGHT)
    greys = [float(frame.mean()) for frame in decode_frames(path)]
    assert count == len(greys) == 63
    assert greys == pytest.approx([10 + 2 * number for number in range(63)], abs=2)


@pytest.mark.parametrize("unrestricted", [False, True])
def test_colours_are_preserved(tmp_path: Path, unrestricted: bool) -> None:
    colours = [(128, 128, 128), (200, 30, 30), (20, 160, 60), (30, 40, 210), (255, 255, 255)]
    path = tmp_path / "colours.mp4"
    encode_video(path, [patches(*colours)] * 10, None, WIDTH, HEIGHT, intermediate=unrestricted)
    frame = list(decode_frames(path))[5]
    for number, colour in enumerate(colours):
        middle = frame[HEIGHT // 2, WIDTH // 5 * number + WIDTH // 10]
        assert np.abs(middle.astype(int) - colour).max() <= 4


def test_colour_metadata_is_written(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    encode_video(path, sample_frames(120), [tone_block(0, 2)], WIDTH, HEIGHT)
    with av.open(str(path)) as container:
        video, sound = container.streams.video[0].codec_context, container.streams.audio[0].codec_context
        assert (video.name, video.profile, video.pix_fmt) == ("h264", "High", "yuv420p")
        assert (video.color_range, video.colorspace, video.color_primaries, video.color_trc) == (1, 1, 1, 1)
        assert container.streams.video[0].average_rate == FPS
        assert (sound.name, sound.sample_rate, sound.layout.nb_channels) == ("aac", SAMPLE_RATE, 2)
        assert "synthetic" in container.metadata["comment"]
        assert DigitalSource.TRAINED_ALGORITHMIC_MEDIA in container.metadata["comment"]
        keys = [packet.pts for packet in container.demux(video=0) if packet.is_keyframe and packet.pts is not None]
        base = container.streams.video[0].time_base
        assert base is not None
        assert all((later - earlier) * base <= 2 for earlier, later in pairwise(keys))
        assert len(keys) >= 3


def test_the_index_precedes_the_media_data(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    encode_video(path, sample_frames(30), [tone_block(0, 1)], WIDTH, HEIGHT)
    kinds = boxes(path)
    assert kinds.index(b"moov") < kinds.index(b"mdat")


@pytest.mark.parametrize("seconds", [0.0, 0.7, 3.2, 5.0])
def test_the_audio_has_the_videos_length(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "film.mp4"
    encode_video(path, sample_frames(80), [tone_block(0, seconds)] if seconds else [], WIDTH, HEIGHT)
    assert len(sound_of(path)) / SAMPLE_RATE == pytest.approx(80 / FPS, abs=1 / FPS)


@pytest.mark.parametrize("cut", [1, 100, 1920, 5000, 10**6])
def test_a_tone_is_heard_at_its_position(tmp_path: Path, cut: int) -> None:
    path, sound = tmp_path / "film.mp4", tone_block(1.0, 2.0)
    blocks = [sound[:cut], *(sound[start : start + 48_000] for start in range(cut, len(sound), 48_000))]
    encode_video(path, sample_frames(50), blocks, WIDTH, HEIGHT)
    audible = np.flatnonzero(np.abs(sound_of(path)).max(axis=1) > 0.1)
    assert audible[0] / SAMPLE_RATE == pytest.approx(1.0, abs=0.05)
    assert audible[-1] / SAMPLE_RATE == pytest.approx(1.1, abs=0.05)


def test_no_more_audio_is_read_than_the_frames_need(tmp_path: Path) -> None:
    taken = 0

    def without_end() -> Iterator[StereoSamples]:
        nonlocal taken
        while True:
            taken += 5_000
            yield np.zeros((5_000, 2), np.float32)

    def audible(count: int) -> None:
        assert taken <= count * SAMPLE_RATE / FPS + 5_000

    encode_video(tmp_path / "film.mp4", sample_frames(30), without_end(), WIDTH, HEIGHT, on_frame=audible)
    assert len(sound_of(tmp_path / "film.mp4")) / SAMPLE_RATE == pytest.approx(30 / FPS, abs=1 / FPS)


@pytest.mark.parametrize("unrestricted", [False, True])
def test_equal_inputs_give_equal_bytes(tmp_path: Path, unrestricted: bool) -> None:
    digests = set()
    try:
        for attempt in range(4):
            fill_new_memory(attempt)
            digests.add(encoded_grain(tmp_path / "grain.mp4", unrestricted=unrestricted))
    finally:
        fill_new_memory(0)
    assert len(digests) == 1


@pytest.mark.parametrize(("has", "options"), [(True, {"x264-params": "asm=AVX2"}), (False, {})])
def test_x264_is_restricted_to_avx2_on_processors_with_avx512(
    monkeypatch: pytest.MonkeyPatch, has: bool, options: dict[str, str]
) -> None:
    assert cv2.getHardwareFeatureName(AVX512_SKX) == "AVX512-SKX"
    monkeypatch.setattr(cv2, "checkHardwareSupport", lambda feature: has and feature == AVX512_SKX)
    assert instruction_set_options() == options


@pytest.mark.skipif(
    not cv2.checkHardwareSupport(AVX2) or cv2.checkHardwareSupport(AVX512_SKX),
    reason="compares with what x264 chooses on a processor that has AVX2, but not AVX-512",
)
def test_restricted_to_avx2_x264_gives_the_bytes_of_a_processor_without_avx512(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = encoded_grain(tmp_path / "chosen.mp4")
    monkeypatch.setattr(cv2, "checkHardwareSupport", lambda feature: feature == AVX512_SKX)
    assert encoded_grain(tmp_path / "restricted.mp4") == chosen


def test_the_writer_counts_frames_and_seconds(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "film.mkv", WIDTH, HEIGHT, intermediate=True) as writer:
        for frame in sample_frames(10):
            writer.write(frame)
    assert (writer.frames, writer.seconds) == (10, 10 / FPS)
    assert len(list(decode_frames(tmp_path / "film.mkv"))) == 10


class EncodingStopped(Exception):
    """Raised to stop the encoding."""


def _end_at_frame_five(path: Path) -> None:
    def stop(count: int) -> None:
        if count == 5:
            raise EncodingStopped

    encode_video(path, sample_frames(30), [tone_block(0, 1)], WIDTH, HEIGHT, on_frame=stop)


def _end_before_the_first(path: Path) -> None:
    with VideoWriter(path, WIDTH, HEIGHT):
        raise EncodingStopped


def _end_in_the_sound(path: Path) -> None:
    def broken() -> Iterator[StereoSamples]:
        yield tone_block(0, 0.5)
        raise EncodingStopped

    encode_video(path, sample_frames(30), broken(), WIDTH, HEIGHT)


@pytest.mark.parametrize("encode", [_end_at_frame_five, _end_before_the_first, _end_in_the_sound])
def test_an_error_during_encoding_leaves_no_file(tmp_path: Path, encode: Callable[[Path], None]) -> None:
    with pytest.raises(EncodingStopped):
        encode(tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


def test_without_frames_there_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a frame"):
        encode_video(tmp_path / "film.mp4", [], None, WIDTH, HEIGHT)
    assert not list(tmp_path.iterdir())


def test_frames_of_another_size_raise_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a frame is"):
        encode_video(tmp_path / "film.mp4", [np.zeros((10, 10, 3), np.uint8)], None, WIDTH, HEIGHT)
    with pytest.raises(ValueError, match="even"):
        VideoWriter(tmp_path / "film.mp4", 161, 96)


@pytest.mark.parametrize("planar", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize(("width", "height"), [(642, 362), (2, 2)])
def test_converted_pixels_do_not_depend_on_the_number_of_threads(planar: str, width: int, height: int) -> None:
    picture = np.random.default_rng(6).integers(0, 256, (height, width, 3), np.uint8)
    converted = []
    for threads in (1, 2, 3, 4):
        there, back = (
            VideoReformatter().reformat(
                frame,
                format=pixels,
                src_colorspace=Colorspace.ITU709,
                dst_colorspace=Colorspace.ITU709,
                interpolation=CONVERSION,
                threads=threads,
            )
            for frame, pixels in (
                (av.VideoFrame.from_ndarray(picture, format="rgb24"), planar),
                (av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=planar), "rgb24"),
            )
        )
        converted.append((there.to_ndarray(), back.to_ndarray()))
    for there, back in converted[1:]:
        np.testing.assert_array_equal(there, converted[0][0])
        np.testing.assert_array_equal(back, converted[0][1])
