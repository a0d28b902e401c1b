"""Protocols of networks: the interfaces between the stages of the models engine and their networks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.core.arrays import Rgb
from pipeline.imaging.faces import Face
from pipeline.imaging.tiles import Tile
from pipeline.models.arrays import Box, Floats, Masks
from pipeline.speech.types import Samples, Speech, Transcript
from pipeline.video.clip import ClipFile

DETECTION_SIDE = 640  # pixels on which small faces are looked for
WINDOW_SECONDS = 30  # of a voice at once


@dataclass(frozen=True)
class Detection:
    """A detected object: its COCO class, box (left, top, right, bottom in pixels) and confidence score (0 to 1)."""

    label: str
    box: Box
    score: float


class Detector(Protocol):
    """Object detector for the COCO classes."""

    def detect(self, photo: Rgb) -> Sequence[Detection]:
        """Detect objects in H×W×3 uint8 sRGB, highest score first; boxes lie within the picture."""


class Segmenter(Protocol):
    """Segmentation network, prompted with boxes."""

    def segment(self, photo: Rgb, boxes: Sequence[Box]) -> Floats:
        """Segment the objects in N boxes (N may be 0) of H×W×3 uint8 sRGB: N×h×w float32 logits, positive inside.

        Each map covers the whole photo, at the network's own resolution.
        """


class ImageText(Protocol):
    """Image-text network: embeds pictures and captions in one space (CLIP, Radford et al. 2021)."""

    def probabilities(self, photo: Rgb, captions: Sequence[str]) -> Floats:
        """Compute the probability of each of N captions: softmax of the similarities, N float32 that add up to 1."""

    def similarities(self, photo: Rgb, captions: Sequence[str]) -> Floats:
        """Compute the cosine similarity of the picture with each of N captions: N float32 in [-1, 1]."""


class DepthEstimator(Protocol):
    """Monocular depth estimator."""

    def estimate(self, photo: Rgb) -> Floats:
        """Estimate the relative inverse depth of H×W×3 uint8 sRGB: H×W float32, any scale, larger is nearer."""


class SafetyChecker(Protocol):
    """Safety checker: classifies pictures that must not be shown."""

    def unsafe(self, picture: Rgb) -> bool:
        """Return True if H×W×3 uint8 sRGB is not safe for work."""


class Upscaler(Protocol):
    """Upscaler: enlarges pictures in tiles, by a fixed factor."""

    @property
    def factor(self) -> int:
        """Enlargement factor of each side."""

    def pixel_capacity(self) -> int:
        """Return how many source pixels fit into the memory that is free now."""

    def upscale(self, tiles: Sequence[Tile], on_step: Callable[[float], None]) -> Sequence[Floats]:
        """Enlarge tiles of one size, each reduced to its ``target``: h×w×3 float32 in [0, 255].

        ``on_step`` receives the fraction done, about once a second or more often. If it raises, the work ends.
        """


class HoleFiller(Protocol):
    """Hole filler: continues the surroundings of a hole into it (inpainting without a prompt)."""

    def fill(self, photo: Rgb, hole: Masks, on_step: Callable[[float], None]) -> Rgb:
        """Fill the H×W bool ``hole`` of ``photo``: H×W×3 uint8 sRGB, outside the hole only similar to ``photo``.

        ``on_step`` often receives the fraction done. If it raises, the work ends.
        """


class FaceAnalyser(Protocol):
    """Face analyser: detects faces and computes their identity embeddings."""

    def analyse(self, photo: Rgb, detection_side: int = DETECTION_SIDE) -> Sequence[Face]:
        """Detect the faces of H×W×3 uint8 sRGB, each with its identity embedding, from the left.

        Small faces are looked for on ``detection_side`` pixels; with fewer, less memory is taken and more are missed.
        """


class FaceSwapper(Protocol):
    """Face swapper: renders one person's face in the pose and light of another's."""

    def swap(self, photo: Rgb, face: Face, identity: Floats) -> tuple[Rgb, Floats]:
        """Render ``identity`` in place of ``face`` of H×W×3 uint8 sRGB, as a small picture: h×w×3 uint8 sRGB.

        Also returns the 2×3 float32 transform from the photo's pixels to that picture's.
        """


class Animator(Protocol):
    """Animator: renders talking portraits."""

    def animate(
        self, portrait: Rgb, speech: Speech, path: Path, folder: Path, report: Callable[[float], None]
    ) -> ClipFile:
        """Render the face of ``portrait``, H×W×3 uint8 sRGB, saying ``speech``: a video of the same length at ``path``.

        Temporary files go into ``folder`` and are deleted. ``report`` receives the fraction done several times a
        second. If it raises, the work ends at once, and no file is left. Raises ``DarkroomError``: ``no_face``,
        ``out_of_memory`` (retryable), ``internal`` (retryable), ``engine_unavailable``.
        """


class Transcriber(Protocol):
    """Speech recogniser."""

    def transcribe(
        self,
        samples: Samples,
        language: str | None,
        report: Callable[[float], None],
        window_seconds: int = WINDOW_SECONDS,
    ) -> Transcript:
        """Transcribe mono float32 in [-1, 1] at ``SAMPLE_RATE``: words in order, within the recording.

        The transcript is empty if nothing was understood. ``language`` is a BCP 47 tag; None detects it. ``report``
        receives the fraction done after each sentence. If it raises, the work ends. ``window_seconds`` are listened to
        at once; shorter windows take less memory, and more sentences are cut.
        """
