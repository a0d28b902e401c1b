"""Live looks at a picture in the making: encoded and stored beside the job, which never waits for them."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from containers.worker.json_logging import job_context
from containers.worker.storage import Storage
from darkroom.contract.results import PreviewPicture
from pipeline.core.arrays import Rgb
from pipeline.imaging.codec import encode_progress_image

logger = logging.getLogger(__name__)

CONTENT_TYPE = "image/jpeg"


def progress_images_prefix(job_id: str) -> str:
    """Where the looks at a job lie.

    >>> progress_images_prefix("0" * 32)
    'previews/00000000000000000000000000000000/'
    """
    return f"previews/{job_id}/"


@dataclass
class _SharedState:
    """What the worker's side and the thread share, guarded by ``changed``."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    newest: Rgb | None = None
    closed: bool = False
    forgotten: bool = False


class ProgressImages:
    """The looks of one attempt: a thread of its own stores the newest and forgets what it overtook.

    ``tell`` hears of each one that is in place. Nothing here ever raises or waits. The thread begins
    with the first look, so a job that shows none has none.
    """

    def __init__(
        self, storage: Storage, job_id: str, attempt: int, on_stored: Callable[[PreviewPicture], None]
    ) -> None:
        self._storage = storage
        self._job_id = job_id
        self._attempt = attempt
        self._tell = on_stored
        self._desk = _SharedState()
        self._thread: threading.Thread | None = None

    def enqueue(self, picture: Rgb) -> None:
        """Take h×w×3 uint8 sRGB and return at once. After ``close``, nothing happens."""
        desk = self._desk
        with desk.changed:
            if desk.closed:
                return
            desk.newest = picture
            if self._thread is None:
                self._thread = threading.Thread(target=self._store, name=f"looks-{self._job_id}", daemon=True)
                self._thread.start()
            desk.changed.notify_all()

    def close(self) -> None:
        """Take no more; the one on its way is not waited for."""
        with self._desk.changed:
            self._desk.closed = True
            self._desk.newest = None
            self._desk.changed.notify_all()

    def delete_all(self) -> None:
        """Take no more, and delete every look at the job, those of earlier attempts and on their way included."""
        with self._desk.changed:
            self._desk.forgotten = True
        self.close()
        self._delete()

    def _store(self) -> None:
        desk, count = self._desk, 0
        with job_context(self._job_id, self._attempt):
            while True:
                with desk.changed:
                    desk.changed.wait_for(lambda: desk.newest is not None or desk.closed)
                    picture, desk.newest = desk.newest, None
                if picture is None:
                    return
                count += 1
                self._put(picture, f"{progress_images_prefix(self._job_id)}{self._attempt}-{count}.jpg")

    def _put(self, picture: Rgb, key: str) -> None:
        try:
            self._storage.put_bytes(key, encode_progress_image(picture), content_type=CONTENT_TYPE)
            if not self._desk.closed:
                height, width = picture.shape[:2]
                self._tell(PreviewPicture(key=key, width=width, height=height))
        except Exception:
            # Whatever it was: a job is not worth failing for a look at it.
            logger.warning("a live look could not be stored", exc_info=True)
        with self._desk.changed:
            forgotten = self._desk.forgotten
        if forgotten:
            self._delete()

    def _delete(self) -> None:
        try:
            self._storage.delete(self._storage.keys(progress_images_prefix(self._job_id)))
        except Exception:
            logger.warning("live looks were left to the bucket's lifecycle rules", exc_info=True)
