"""Finished parts of a job in the bucket, for its next attempt; forgotten as soon as there can be none."""

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
    """The parts of one job. Whatever goes wrong here costs the job nothing but its next attempt's time.

    ``limit`` is the most bytes that a part may have to be taken back. After ``forget`` nothing is kept any more.
    """

    def __init__(self, storage: "Storage", job_id: str, *, limit: int) -> None:
        self._storage = storage
        self._job_id = job_id
        self._limit = limit
        self._forgotten = False
        self._kept = False

    @property
    def kept(self) -> bool:
        """Whether this attempt has kept any."""
        return self._kept

    def get(self, name: str, path: Path, /) -> bool:
        """Write the part to ``path``; False, and nothing written, when it is not there."""
        try:
            self._storage.download(intermediate_key(self._job_id, name), path, limit=self._limit)
        except (DarkroomError, ClientError, BotoCoreError, OSError) as error:
            path.unlink(missing_ok=True)
            logger.debug("no part %s: %s", name, error)
            return False
        logger.info("took the part %s from an earlier attempt", name)
        return True

    def put(self, name: str, path: Path, /) -> None:
        """Keep the file at ``path``."""
        key = intermediate_key(self._job_id, name)
        if self._forgotten:
            return
        self._kept = True
        try:
            self._storage.upload_file(path, key, content_type=CONTENT_TYPE, filename=name)
        except (ClientError, BotoCoreError, OSError):
            logger.warning("the part %s was not kept for another attempt", name, exc_info=True)
        if self._forgotten:
            self._storage.delete([key])

    def delete(self, *, earlier: bool) -> None:
        """Delete the parts; ``earlier``: there may be some of earlier attempts."""
        self._forgotten = True
        if not (self._kept or earlier):
            return
        try:
            self._storage.delete(self._storage.keys(intermediates_prefix(self._job_id)))
        except (ClientError, BotoCoreError):
            logger.warning("parts were left to the bucket's lifecycle rules", exc_info=True)
