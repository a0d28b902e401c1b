"""Progress images: encodes and uploads small images of an unfinished picture in a thread that never blocks the job."""

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
    """Return the S3 prefix of a job's progress images.

    >>> progress_images_prefix("0" * 32)
    'previews/00000000000000000000000000000000/'
    """
    return f"previews/{job_id}/"


@dataclass
class _SharedState:
    """State shared by the worker and the thread, guarded by ``changed``."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    newest: Rgb | None = None
    closed: bool = False
    deleted: bool = False


class ProgressImages:
    """Uploader of one attempt's progress images: a thread uploads the latest one and drops older ones.

    ``on_stored`` is called for each uploaded image. No method raises or waits for an upload. The thread starts with the
    first image, so a job without images has none.
    """

    def __init__(
        self, storage: Storage, job_id: str, attempt: int, on_stored: Callable[[PreviewPicture], None]
    ) -> None:
        self._storage = storage
        self._job_id = job_id
        self._attempt = attempt
        self._on_stored = on_stored
        self._state = _SharedState()
        self._thread: threading.Thread | None = None

    def enqueue(self, picture: Rgb) -> None:
        """Enqueue h×w×3 uint8 sRGB for upload, without blocking. After ``close``, it is ignored."""
        state = self._state
        with state.changed:
            if state.closed:
                return
            state.newest = picture
            if self._thread is None:
                self._thread = threading.Thread(target=self._store, name=f"progress-images-{self._job_id}", daemon=True)
                self._thread.start()
            state.changed.notify_all()

    def close(self) -> None:
        """Accept no more images. An upload in progress is not waited for."""
        with self._state.changed:
            self._state.closed = True
            self._state.newest = None
            self._state.changed.notify_all()

    def delete_all(self) -> None:
        """Accept no more images, and delete all of the job's, including earlier attempts' and one being uploaded."""
        with self._state.changed:
            self._state.deleted = True
        self.close()
        self._delete()

    def _store(self) -> None:
        state, count = self._state, 0
        with job_context(self._job_id, self._attempt):
            while True:
                with state.changed:
                    state.changed.wait_for(lambda: state.newest is not None or state.closed)
                    picture, state.newest = state.newest, None
                if picture is None:
                    return
                count += 1
                self._put(picture, f"{progress_images_prefix(self._job_id)}{self._attempt}-{count}.jpg")

    def _put(self, picture: Rgb, key: str) -> None:
        try:
            self._storage.put_bytes(key, encode_progress_image(picture), content_type=CONTENT_TYPE)
            if not self._state.closed:
                height, width = picture.shape[:2]
                self._on_stored(PreviewPicture(key=key, width=width, height=height))
        except Exception:
            # No error here is worth failing the job for.
            logger.warning("a progress image could not be stored", exc_info=True)
        with self._state.changed:
            deleted = self._state.deleted
        if deleted:
            self._delete()

    def _delete(self) -> None:
        try:
            self._storage.delete(self._storage.keys(progress_images_prefix(self._job_id)))
        except Exception:
            logger.warning("progress images were left to the bucket's lifecycle rules", exc_info=True)
