"""Watch of one job: what its caller was told of it, and what must not be told twice."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from darkroom.contract.jobs import State
from tests.chaos.workload import JobRequest

JobDict = dict[str, Any]


@dataclass
class JobWatch:
    """Everything that a caller has seen of a job.

    - ``accepted_at``: epoch seconds of the first answer to its request; 0 if it was never answered
    - ``last``: the newest answer
    - ``contradictions``: answers that take back an earlier one
    - ``unknown``: True if the service does not know the job, although it was accepted
    - ``resubmitted``: how often it was requested again, because the emulator lost it
    - ``kills_at_upload``: how often the emulator had been killed before its files were uploaded
    - ``uploaded_again``: how often they were, because the emulator went back to a state before their end
    """

    request: JobRequest
    job_id: str = ""
    accepted_at: float = 0
    last: JobDict = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    unknown: bool = False
    resubmitted: int = 0
    kills_at_upload: int = 0
    uploaded_again: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def ended(self) -> bool:
        """True once the caller was told of the job's end."""
        return bool(self.last) and State(self.last["state"]).terminal

    def accept(self, job: JobDict) -> None:
        """Take the answer to the request, which may be repeated."""
        if self.job_id and self.job_id != job["job_id"]:
            self.contradictions.append(f"one key made two jobs: {self.job_id} and {job['job_id']}")
        self.job_id = job["job_id"]
        self.accepted_at = self.accepted_at or time.time()
        self.see(job)

    def see(self, job: JobDict) -> None:
        """Take an answer. Its ``seq`` and progress never fall, and an end is final."""
        with self._lock:
            before, self.last = self.last, job
            if not before:
                return
            if job["seq"] < before["seq"]:
                self.contradictions.append(f"seq fell from {before['seq']} to {job['seq']}")
            if job["progress"] < before["progress"]:
                self.contradictions.append(f"progress fell from {before['progress']} to {job['progress']}")
            if State(before["state"]).terminal and job["state"] != before["state"]:
                self.contradictions.append(f"{before['state']} became {job['state']}")

    def see_pushed(self, job: JobDict) -> None:
        """Take a message of a WebSocket: a state is only applied if its ``seq`` is larger than the last one."""
        if not self.last or job["seq"] > self.last["seq"]:
            self.see(job)

    def forget(self) -> None:
        """Forget what was seen: a killed emulator goes back to its last saved state."""
        with self._lock:
            self.last = {}
