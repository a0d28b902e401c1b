"""Which pictures a job made, and what their files are called."""

from pathlib import Path

from client.errors import DownloadError, JobError
from pipeline.jobs import Job
from pipeline.results import Picture

RESULT = "result"


def results(job: Job) -> tuple[Picture, ...]:
    """What the job was asked for: ``result``, ``result-2``, … in order. Raises ``JobError`` when there is none."""
    pictures = job.result.pictures if job.result else ()
    found = tuple(each for each in pictures if each.name.partition("-")[0] == RESULT)
    if not found:
        raise JobError(job)
    return found


def named(job: Job, name: str) -> Picture:
    """One picture. Raises ``JobError`` for a job without a result, ``DownloadError`` for a name it does not have."""
    if job.result is None:
        raise JobError(job)
    for picture in job.result.pictures:
        if picture.name == name:
            return picture
    names = ", ".join(picture.name for picture in job.result.pictures)
    raise DownloadError("not_found", f"The job has no picture called {name}; it has: {names}.")


def numbered(path: Path, number: int) -> Path:
    """The file of the ``number``-th of several pictures, where ``path`` is that of the first.

    >>> numbered(Path("fox.jpg"), 1).name, numbered(Path("fox.jpg"), 2).name
    ('fox.jpg', 'fox-2.jpg')
    """
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
