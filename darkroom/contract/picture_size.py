"""Picture sizes: the limits of an uploaded picture's sides and area, for functions and container alike."""

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.uploads import MAX_PIXELS, MAX_SIDE, MIN_SIDE


def check_picture_size(width: int, height: int) -> None:
    """Check a picture's dimensions, in pixels, against the limits.

    Raises ``DarkroomError``: ``too_large`` or ``invalid_image``.

    >>> check_picture_size(8_000, 6_000)
    """
    if width > MAX_SIDE or height > MAX_SIDE:
        raise DarkroomError(
            ErrorCode.TOO_LARGE,
            f"The picture is {width} × {height} pixels; no side may be longer than {MAX_SIDE}. Make it smaller.",
        )
    if width * height > MAX_PIXELS:
        raise DarkroomError(
            ErrorCode.TOO_LARGE,
            f"The picture has {width * height / 1e6:.1f} megapixels ({width} × {height}); "
            f"{MAX_PIXELS / 1e6:.0f} is the limit. Make it smaller.",
        )
    if width < MIN_SIDE or height < MIN_SIDE:
        raise DarkroomError(
            ErrorCode.INVALID_IMAGE,
            f"The picture is {width} × {height} pixels; each side needs at least {MIN_SIDE}.",
        )
