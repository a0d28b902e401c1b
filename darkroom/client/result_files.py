"""Result files of a job, and their paths on disk."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from darkroom.client.errors import DownloadError, JobError
from darkroom.client.media import extension
from darkroom.client.output_files import discards, is_stream
from darkroom.contract.jobs import Job
from darkroom.contract.results import Picture, ResultFile, SubtitleFile

RESULT = "result"
ONE_FILE = "{path!r} takes one file, and the job makes several: give a folder, or a file name"


def results(job: Job) -> tuple[Picture, ...]:
    """Return the job's results: the video ``result``, or the pictures ``result``, ``result-2``, … in order.

    Raises ``JobError`` when there is none.
    """
    made = (*job.result.videos, *job.result.pictures) if job.result else ()
    found = tuple(each for each in made if each.name.partition("-")[0] == RESULT)
    if not found:
        raise JobError(job)
    return found


def downloadable_files(job: Job) -> tuple[ResultFile, ...]:
    """Return the job's results, then their subtitles. Raises ``JobError`` when it has no result."""
    return (*results(job), *(job.result.subtitles if job.result else ()))


def file_named(job: Job, name: str) -> ResultFile:
    """Return one file by name. Raises ``JobError`` for a job without a result, ``DownloadError`` for an unknown
    name.
    """
    if job.result is None:
        raise JobError(job)
    for file in job.result.files:
        if file.name == name:
            return file
    names = ", ".join(file.name for file in job.result.files)
    raise DownloadError("not_found", f"The job has no file called {name}; it has: {names}.")


def numbered(path: Path, number: int) -> Path:
    """Return the path of the ``number``-th picture (from 1), given that of the first.

    >>> numbered(Path("fox.jpg"), 1).name, numbered(Path("fox.jpg"), 2).name
    ('fox.jpg', 'fox-2.jpg')
    """
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def subtitle_path(video: Path, suffix: str) -> Path:
    """Return the path of a video's subtitles.

    >>> subtitle_path(Path("hello.mp4"), ".srt").name, subtitle_path(Path("take.2"), ".srt").name
    ('hello.srt', 'take.2.srt')
    """
    return video.with_suffix(suffix) if video.suffix.lower() == ".mp4" else video.with_name(video.name + suffix)


def target_paths(first: Path, files: Sequence[ResultFile]) -> tuple[Path, ...]:
    """Return the path of each of the ``files`` from ``downloadable_files``; ``first`` is that of the first.

    A device or a pipe takes one file, the null device any number. Raises ``DownloadError`` if it would get several.
    """
    if is_stream(first):
        if len(files) > 1 and not discards(first):
            raise DownloadError("unwritable_file", ONE_FILE.format(path=str(first)))
        return (first,) * len(files)
    numbers: Iterator[int] = count(1)
    return tuple(
        subtitle_path(first, extension(file.content_type))
        if isinstance(file, SubtitleFile)
        else numbered(first, next(numbers))
        for file in files
    )
