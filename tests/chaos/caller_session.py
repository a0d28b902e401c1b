"""Caller session: submits a job, uploads its files and watches it to its end, as a patient client does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2

from darkroom.contract.jobs import State
from tests.chaos.job_watch import JobDict, JobWatch
from tests.chaos.service import OUTAGE, OutOfTime, Service, attempt
from tests.chaos.workload import NOT_A_PICTURE, Course, JobRequest
from tests.e2e.caller import declaration, upload

# Without a message for so long, the caller of a socket asks by GET and connects again.
SILENCE_SECONDS = 3.0


@contextmanager
def recorded(watch: JobWatch) -> Iterator[None]:
    """End a session when the time is over; record an answer that no caller should get."""
    try:
        yield
    except OutOfTime:
        pass
    except AssertionError as error:
        watch.contradictions.append(str(error))


class CallerSession:
    """Runs one job of the workload. ``assets`` maps an owner to a picture in the library."""

    def __init__(self, service: Service, assets: dict[str, str]) -> None:
        self._service = service
        self._assets = assets

    def run(self, watch: JobWatch) -> None:
        """Run the job; return when its end was seen, when it waits for its caller, or when the time is over."""
        with recorded(watch):
            self._submit(watch)
            if watch.request.course is Course.CANCEL:
                self._cancel(watch)
            if watch.request.course is not Course.ABANDON:
                self._watch(watch)

    def resume(self, watch: JobWatch) -> None:
        """Look at a job again, whose end the caller does not know any more, and watch it to its end."""
        with recorded(watch):
            self._look(watch)
            if watch.request.course is not Course.ABANDON:
                self._watch(watch)

    def _submit(self, watch: JobWatch) -> None:
        """Send the request until it is answered and every file is uploaded. A repeated request makes no other job."""
        request = watch.request
        while True:
            created = self._request(watch)
            if request.repeated:
                created = self._request(watch)
            kills = len(self._service.killed_at)
            if request.course is Course.ABANDON or self._upload(request, created["uploads"]):
                watch.kills_at_upload = kills
                return
            self._service.pause()

    def _request(self, watch: JobWatch) -> JobDict:
        request = watch.request
        body = {
            "kind": request.kind,
            "engine": request.engine,
            "cache": False,
            "params": dict(request.params),
            "uploads": {role: self._declared(request, role, file) for role, file in request.files.items()},
        }
        headers = {"Idempotency-Key": request.idempotency_key}
        answer = self._service.ask(request.owner, "POST", "/jobs", json=body, headers=headers)
        assert answer.status_code in (httpx2.codes.OK, httpx2.codes.CREATED), answer.text
        created: JobDict = answer.json()
        watch.accept(created["job"])
        return created

    def _declared(self, request: JobRequest, role: str, file: bytes | JobDict) -> JobDict:
        if request.course is Course.ASSET and role == "photo":
            return {"asset_id": self._assets[request.owner]}
        return file if isinstance(file, dict) else declaration(file, False)

    def _upload(self, request: JobRequest, forms: JobDict) -> bool:
        """Upload the files that the job waits for; False if one was not taken."""
        for role, form in forms.items():
            file = NOT_A_PICTURE if request.course is Course.BROKEN_FILE else request.files[role]
            assert isinstance(file, bytes)
            response = attempt(lambda form=form, file=file: upload(form, file))  # type: ignore[misc] # called at once
            if response is None or not response.is_success:
                return False
        return True

    def _cancel(self, watch: JobWatch) -> None:
        time.sleep(watch.request.cancel_after)
        answer = self._service.ask(watch.request.owner, "DELETE", f"/jobs/{watch.job_id}")
        if answer.is_success:
            watch.see(answer.json())
        # A conflict means that it has ended; not found, that the emulator lost it. GET tells.

    def _watch(self, watch: JobWatch) -> None:
        while not watch.ended and not watch.unknown:
            if watch.request.by_socket:
                # The emulator sends what is no JSON while it stops.
                with suppress(*OUTAGE, TimeoutError, ValueError):
                    self._listen(watch)
            else:
                self._service.pause()
            if not watch.ended:
                self._look(watch)

    def _listen(self, watch: JobWatch) -> None:
        """See every message of a WebSocket until the job has ended. Raises ``TimeoutError`` after a silence."""
        with self._service.caller(watch.request.owner).socket(SILENCE_SECONDS) as socket:
            socket.send(action="subscribe", job_id=watch.job_id)
            while not watch.ended:
                self._service.check_time()
                message = socket.receive()
                if message["type"] == "error":
                    return
                if message["type"] == "job":
                    watch.see_pushed(message["job"])

    def _look(self, watch: JobWatch) -> None:
        """See the job by GET. A job that a killed emulator has lost is submitted again under its key.

        One that waits for its pictures again gets them again: its end was lost, and S3 had deleted them by then.
        """
        answer = self._service.ask(watch.request.owner, "GET", f"/jobs/{watch.job_id}")
        if answer.status_code == httpx2.codes.NOT_FOUND:
            if not self._service.may_have_lost(watch.accepted_at):
                watch.unknown = True
                return
            watch.resubmitted += 1
            watch.forget()
            watch.accepted_at = 0
            self._submit(watch)
            return
        assert answer.is_success, answer.text
        watch.see(answer.json())
        waits = watch.last["state"] == State.AWAITING_UPLOAD and watch.request.course is not Course.ABANDON
        if waits and watch.kills_at_upload < len(self._service.killed_at):
            watch.uploaded_again += 1
            self._submit(watch)
