"""Clips: parts of a video without sound, which are rendered or decoded frame by frame while they are read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.arrays import Rgb
from pipeline.video.decoder import decode_frames


class Clip(ABC):
    """A clip without sound, of any size, at the pipeline's fixed frame rate.

    ``focus`` is the main motif's position: x and y in [0, 1] of width and height, from the top left. None if unknown.
    """

    focus: tuple[float, float] | None

    @abstractmethod
    def frames(self) -> Generator[Rgb, None, None]:
        """Yield the frames, H×W×3 uint8 sRGB, from the first one. Each is valid until the next is taken."""


@dataclass(frozen=True)
class ClipFile(Clip):
    """A clip in a file that ``VideoWriter`` wrote."""

    path: Path
    focus: tuple[float, float] | None = None

    def frames(self) -> Generator[Rgb, None, None]:
        """Decode the frames. The file is closed at the end, or when the generator is closed or dropped."""
        return decode_frames(self.path)


@dataclass(frozen=True)
class RenderedClip(Clip):
    """A clip whose frames cost less to render than to store: ``render`` starts with the first one at each call."""

    render: Callable[[], Generator[Rgb, None, None]]
    focus: tuple[float, float] | None = None

    def frames(self) -> Generator[Rgb, None, None]:
        """Render the frames."""
        return self.render()
