"""Missing pixels: the error for a file without all of its picture, the same for every format."""

from darkroom.contract.errors import DarkroomError, ErrorCode


def missing_pixels_error(rows: int | None = None, height: int | None = None) -> DarkroomError:
    """Return the error; ``rows`` is how many of the picture's rows are there, if that is known."""
    there = "part of it is missing" if rows is None else f"only the first {rows} of its {height} rows are in the file"
    return DarkroomError(
        ErrorCode.INVALID_IMAGE,
        f"The picture is incomplete: {there}. The transfer of the file may have been cut off. "
        "Take the original file and upload it again.",
    )
