"""Video encoder: writes H.264 and AAC in MP4, or near-lossless intermediate files."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from darkroom.contract.digital_source import DigitalSource
from pipeline.core.arrays import Rgb
from pipeline.core.processors import thread_count
from pipeline.speech.types import SAMPLE_RATE
from pipeline.video import FPS
from pipeline.video.audio import StereoSamples

CONVERSION = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.BITEXACT
)
THREADS = 4  # fixed, because x264's output depends on the number of threads
AVX512_SKX = 256  # OpenCV's ``CV_CPU_AVX512_SKX``: the subset that x264 asks for (F, CD, BW, DQ and VL)
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS
KEY_FRAME_EVERY = 2 * FPS
SOUND_BIT_RATE = 160_000
SYNTHETIC = "Made by a machine (synthetic media). IPTC digital source type: {source}"


class VideoWriter:
    """Video writer as a context manager; if the block raises, the file is removed.

    Frames are H×W×3 uint8 sRGB of exactly ``width`` × ``height`` (both even), ``FPS`` per second. ``sound`` are blocks
    of n×2 float32 in [-1, 1] at ``SAMPLE_RATE``, of any length. Each frame takes its share of the sound, so neither
    accumulates in memory. Sound is cut or padded with silence to the end of the frames. Without ``sound`` the file has
    no audio track.

    The file is H.264 (High, yuv420p, tagged BT.709 in limited range) with AAC, in MP4 with its index at the front, so
    that it plays while it loads. The output is deterministic on processors of one kind. Its ``comment`` declares it
    synthetic by IPTC's Digital Source Type. ``intermediate`` files are encoded again later, so they are near lossless,
    with colour at full resolution, in MP4 or Matroska by the path's suffix.

    ``frames`` and ``seconds`` count what has been written so far.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        *,
        sound: Iterable[StereoSamples] | None = None,
        intermediate: bool = False,
    ) -> None:
        if width % 2 or height % 2 or min(width, height) < 2:
            raise ValueError(f"H.264 wants even sides, not {width}×{height}")
        self.frames = 0
        self._path = path
        self._shape = (height, width, 3)
        self._format = "yuv444p" if intermediate else "yuv420p"
        self._reformatter = VideoReformatter()
        options = {"movflags": "+faststart"} if path.suffix == ".mp4" else {}
        self._container = av.open(str(path), "w", options={**options, "fflags": "+bitexact"})
        self._container.metadata["comment"] = SYNTHETIC.format(source=DigitalSource.TRAINED_ALGORITHMIC_MEDIA)
        self._video = self._container.add_stream(
            "libx264",
            rate=FPS,
            options=({"preset": "ultrafast", "crf": "10"} if intermediate else {"preset": "veryfast", "crf": "18"})
            | instruction_set_options(),
        )
        self._video.width, self._video.height, self._video.pix_fmt = width, height, self._format
        context = self._video.codec_context
        context.gop_size = KEY_FRAME_EVERY
        context.thread_count = THREADS
        context.thread_type = "FRAME"  # PyAV's choice, by slices, makes larger files
        context.color_range = ColorRange.MPEG
        context.colorspace = Colorspace.ITU709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        self._audio: AudioStream | None = None
        self._sound: Iterator[StereoSamples] = iter(())
        if sound is not None:
            self._audio = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo", bit_rate=SOUND_BIT_RATE)
            self._sound = _by_frame(sound)

    @property
    def seconds(self) -> float:
        """Duration written so far, in seconds."""
        return self.frames / FPS

    def write(self, frame: Rgb) -> None:
        """Add a frame and its share of the sound. Raises ``ValueError`` for a frame of another size or type."""
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"a frame is {self._shape} uint8, not {frame.shape} {frame.dtype}")
        picture = self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format="rgb24"),
            format=self._format,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=CONVERSION,
            threads=thread_count(),  # the pixels do not depend on it
        )
        picture.pts, picture.time_base = self.frames, Fraction(1, FPS)
        self._container.mux(self._video.encode(picture))
        if self._audio is not None:
            samples = next(self._sound)
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
            block.sample_rate = SAMPLE_RATE
            block.pts, block.time_base = self.frames * SAMPLES_PER_FRAME, Fraction(1, SAMPLE_RATE)
            self._container.mux(self._audio.encode(block))
        self.frames += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> Literal[False]:
        complete = False
        try:
            if kind is None:
                self._finish()
                complete = True
            else:
                # The original exception matters, not the incomplete file's.
                with suppress(av.FFmpegError):
                    self._container.close()
        finally:
            if not complete:
                self._path.unlink(missing_ok=True)
        return False

    def _finish(self) -> None:
        if not self.frames:
            raise ValueError("a video needs a frame")
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))
        self._container.close()


def instruction_set_options() -> dict[str, str]:
    """Give the libx264 options that restrict it to AVX2 on processors with AVX-512; none on other processors.

    x264's AVX-512 code is not deterministic. Its macroblock tree (``mbtree``) adds up how much later frames refer to
    each macroblock, and quantises those that are referred to more finely. ``mbtree_propagate_list_avx512`` takes eight
    macroblocks at a time and does not mask those past a row's end. Past the last row it reads uninitialised memory,
    unless the frame is a multiple of eight macroblocks (128 pixels) wide. The other variants stop at the row's end.

    With AVX2 the file is the one of a processor without AVX-512. The alternative ``no-mbtree`` makes files about a
    fifth larger at the same PSNR (measured at 720p, on an animated portrait and a moving still).
    """
    return {"x264-params": "asm=AVX2"} if cv2.checkHardwareSupport(AVX512_SKX) else {}


def encode_video(
    path: Path,
    frames: Iterable[Rgb],
    sound: Iterable[StereoSamples] | None,
    width: int,
    height: int,
    *,
    intermediate: bool = False,
    on_frame: Callable[[int], None] = lambda _count: None,
) -> int:
    """Write all ``frames`` and their ``sound`` with ``VideoWriter``; returns the number of frames.

    ``on_frame`` receives the number of frames written after each; if it raises, the work ends and no file is left.
    """
    with VideoWriter(path, width, height, sound=sound, intermediate=intermediate) as writer:
        for frame in frames:
            writer.write(frame)
            on_frame(writer.frames)
    return writer.frames


def _by_frame(blocks: Iterable[StereoSamples]) -> Iterator[StereoSamples]:
    """Split the sound into blocks of one frame's duration, followed by endless silence."""
    pending = np.empty((0, 2), np.float32)
    for block in blocks:
        pending = np.concatenate([pending, block])
        whole = len(pending) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
        yield from (pending[start : start + SAMPLES_PER_FRAME] for start in range(0, whole, SAMPLES_PER_FRAME))
        pending = pending[whole:]
    yield np.pad(pending, ((0, SAMPLES_PER_FRAME - len(pending)), (0, 0)))
    while True:
        yield np.zeros((SAMPLES_PER_FRAME, 2), np.float32)
