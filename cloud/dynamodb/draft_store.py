"""Draft store: the one conditional write that shows a draft of a job while the GPU wakes."""

from cloud.dynamodb.job_changes import WAKING
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_writer import JobWriter
from darkroom.contract.jobs import State
from darkroom.contract.results import PreviewPicture

DRAFT_MESSAGE = "A draft by the preview engine, while the GPU wakes"
_STATES = (State.DISPATCHED, State.RUNNING)


def draft_message(waiting: str) -> str:
    """Return the message of a job that shows a draft, from the message that says how long it waits.

    >>> draft_message("Waking a GPU: ready in about 6 minutes, going by the last times")
    'A draft by the preview engine, while the GPU wakes: ready in about 6 minutes, going by the last times'
    >>> draft_message("Waiting for a machine")
    'A draft by the preview engine, while the GPU wakes'
    """
    return DRAFT_MESSAGE + waiting.removeprefix(WAKING) if waiting.startswith(WAKING) else DRAFT_MESSAGE


def awaits_draft(job: JobRecord | None, attempt: int) -> bool:
    """Return True if a job's attempt has not ended and shows nothing yet."""
    return job is not None and job.state in _STATES and job.attempt == attempt and job.preview is None


class DraftStore(JobWriter):
    """The jobs table, as drafts change it: they are the progress image of an attempt that has none."""

    def show(self, job: JobRecord, draft: PreviewPicture) -> bool:
        """Show the draft of the attempt that ``job`` has; return False if it comes too late.

        It is too late once the attempt has a progress image, or has ended. A job that runs keeps its stage's message.
        """
        stored = {"preview": draft.model_dump(mode="json", exclude={"url"}, exclude_defaults=True)}
        messages = {State.DISPATCHED: {"message": draft_message(job.message)}, State.RUNNING: {}}
        now = None
        for state in _STATES:
            update = self._conditional_update({state}, job.attempt)
            update.set(stored | messages[state])
            update.require_absent("preview")
            now, written = self._apply_or_read(job.job_id, update)
            if written:
                return True
        # The SDK repeats a write whose answer was lost, and its own draft refuses the second one.
        return now is not None and now.preview is not None and now.preview.key == draft.key
