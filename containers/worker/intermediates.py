"""Intermediates in S3: finished parts of a job for its next attempt, deleted when there can be no more attempts."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cloud.s3.keys import intermediate_key, intermediates_prefix
from darkroom.contract.errors import DarkroomError

if TYPE_CHECKING:
    from containers.worker.storage import Storage

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/octet-stream"


class S3Intermediates:
    """Implements ``Intermediates`` for one job. Errors only cost the next attempt time, never fail the job.

    ``limit`` is the maximum size of a part in bytes, checked by ``get``. After ``delete``, nothing is stored any more.
    """

    def __init__(self, storage: "Storage", job_id: str, *, limit: int) -> None:
        self._storage = storage
        self._job_id = job_id
        self._limit = limit
        self._deleted = False
        self._has_stored = False

    @property
    def has_stored(self) -> bool:
        """True if this attempt has stored any part."""
        return self._has_stored

    def get(self, name: str, path: Path, /) -> bool:
        """Write the part to ``path``. Return False, and leave no file, if it cannot be downloaded."""
        try:
            self._storage.download(intermediate_key(self._job_id, name), path, limit=self._limit)
        except (DarkroomError, ClientError, BotoCoreError, OSError) as error:
            path.unlink(missing_ok=True)
            logger.debug("no part %s: %s", name, error)
            return False
        logger.info("took the part %s from an earlier attempt", name)
        return True

    def put(self, name: str, path: Path, /) -> None:
        """Store the file at ``path``. A failure is logged."""
        key = intermediate_key(self._job_id, name)
        if self._deleted:
            return
        self._has_stored = True
        try:
            self._storage.upload_file(path, key, content_type=CONTENT_TYPE, filename=name)
        except (ClientError, BotoCoreError, OSError):
            logger.warning("the part %s was not kept for another attempt", name, exc_info=True)
        if self._deleted:
            self._storage.delete([key])

    def delete(self, *, earlier: bool) -> None:
        """Delete the parts. ``earlier``: earlier attempts may have stored some."""
        self._deleted = True
        if not (self._has_stored or earlier):
            return
        try:
            self._storage.delete(self._storage.keys(intermediates_prefix(self._job_id)))
        except (ClientError, BotoCoreError):
            logger.warning("intermediates were left to the bucket's lifecycle rules", exc_info=True)
