"""Protocols of networks: what the stages of the models engine ask of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import Clip
from pipeline.imaging.faces import Face
from pipeline.imaging.tiles import Tile
from pipeline.models.arrays import Box, Floats, Masks
from pipeline.speech.types import Samples, Speech, Transcript


@dataclass(frozen=True)
class Detection:
    """One thing: its COCO class, its box (left, top, right, bottom in pixels) and how sure the detector is (0 to 1)."""

    label: str
    box: Box
    score: float


class Detector(Protocol):
    """Finds things of the COCO classes."""

    def detect(self, photo: Rgb) -> Sequence[Detection]:
        """What H×W×3 uint8 sRGB shows, surest first; boxes lie within the picture."""


class Segmenter(Protocol):
    """Outlines what boxes enclose."""

    def segment(self, photo: Rgb, boxes: Sequence[Box]) -> Floats:
        """N×h×w float32 logits, one map for each of N boxes (N may be 0) in H×W×3 uint8 sRGB: positive inside.

        Each map covers the whole photo, at a resolution of the network's own.
        """


class ImageText(Protocol):
    """Compares pictures with words in one space (CLIP, Radford et al. 2021)."""

    def probabilities(self, photo: Rgb, captions: Sequence[str]) -> Floats:
        """How well each of N captions fits against the others: N float32 that add up to 1."""

    def similarities(self, photo: Rgb, captions: Sequence[str]) -> Floats:
        """Cosine similarity of the picture with each of N captions: N float32 in [-1, 1]."""


class DepthEstimator(Protocol):
    """Estimates depth from one picture."""

    def estimate(self, photo: Rgb) -> Floats:
        """Relative inverse depth of H×W×3 uint8 sRGB: H×W float32, any scale, larger is nearer."""


class SafetyChecker(Protocol):
    """Tells pictures that must not be shown."""

    def unsafe(self, picture: Rgb) -> bool:
        """Whether H×W×3 uint8 sRGB shows what is not safe for work."""


class Upscaler(Protocol):
    """Enlarges pictures in tiles."""

    @property
    def factor(self) -> int:
        """How many times as wide and as high it makes a tile."""

    def pixel_capacity(self) -> int:
        """How many pixels of a picture it can take at once in the memory that is free now."""

    def upscale(self, tiles: Sequence[Tile], on_step: Callable[[float], None]) -> Sequence[Floats]:
        """Each of the tiles, all of one size, as its parts want it: h×w×3 float32 in [0, 255].

        ``on_step`` hears often, at least once a second or so, which fraction is done; what it raises ends the work.
        """


class HoleFiller(Protocol):
    """Fills holes with what is around them."""

    def fill(self, photo: Rgb, hole: Masks, on_step: Callable[[float], None]) -> Rgb:
        """H×W×3 uint8 sRGB that goes on where the H×W bool ``hole`` is; elsewhere it is only much like ``photo``.

        ``on_step`` hears often which fraction is done; what it raises ends the work.
        """


class FaceAnalyser(Protocol):
    """Finds faces and tells whose they are."""

    def analyse(self, photo: Rgb) -> Sequence[Face]:
        """The faces of H×W×3 uint8 sRGB, each with its identity, from the left."""


class FaceSwapper(Protocol):
    """Makes a face of one person as it would look in another's place."""

    def swap(self, photo: Rgb, face: Face, identity: Floats) -> tuple[Rgb, Floats]:
        """``identity`` in the place of ``face``, which H×W×3 uint8 sRGB shows: a small picture, h×w×3 uint8 sRGB.

        And the 2×3 float32 transform from the photo's pixels to that picture's.
        """


class Animator(Protocol):
    """Has portraits speak."""

    def animate(self, portrait: Rgb, speech: Speech, path: Path, folder: Path, report: Callable[[float], None]) -> Clip:
        """The face of ``portrait``, H×W×3 uint8 sRGB, saying ``speech``: a video of as many frames, at ``path``.

        What it needs on the way goes into ``folder`` and is gone after it. ``report`` hears several times a second
        which fraction is done; what it raises ends the work at once, and no file is left. Raises ``DarkroomError``:
        ``no_face_error``; ``out_of_memory`` and ``internal``, which may be tried again; ``engine_unavailable``.
        """


class Transcriber(Protocol):
    """Writes down what is said."""

    def transcribe(self, samples: Samples, language: str | None, report: Callable[[float], None]) -> Transcript:
        """What mono float32 in [-1, 1] at ``SAMPLE_RATE`` says, in order, none ending after it; empty: nothing
        understood.

        ``language`` is a BCP 47 tag; what it is heard to be when None. ``report`` hears after each sentence
        which fraction is done; what it raises ends the work.
        """
