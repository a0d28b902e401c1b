"""Size limit of WebSocket messages: a job's message leaves out what would make it too long."""

from collections.abc import Callable, Iterable

from cloud.observability import logger
from darkroom.contract.jobs import Job
from darkroom.contract.results import FoundObject, Result
from handlers.websocket.messages import JobMessage, Omission

# API Gateway sends frames of 32 kB, and meters messages by 32 kB. By either definition of a kilobyte.
MAX_MESSAGE_BYTES = 32_000
# No job id has more characters. An error repeats the id of the message that it answers.
MAX_JOB_ID_CHARACTERS = 64


def job_message(job: Job) -> JobMessage:
    """Return the message of a job, with ``omitted`` parts if it would be longer than ``MAX_MESSAGE_BYTES``.

    Links are left out first, in the order of ``LINKS``, then the parts of ``TEXTS`` until the message fits. Links for
    which there is room then are put back, the results' first.
    """
    message = JobMessage(job=job)
    if _fits(message):
        return message
    omitted: list[Omission] = [*LINKS]
    message = _message_without(job, omitted)
    for text in TEXTS:
        if _fits(message):
            break
        omitted.append(text)
        message = _message_without(job, omitted)
    if not _fits(message):
        logger.error("job message too long", job_id=job.job_id)
    for link in reversed(LINKS):
        fuller = _message_without(job, [name for name in omitted if name != link])
        if _fits(fuller):
            omitted.remove(link)
            message = fuller
    return message


def _fits(message: JobMessage) -> bool:
    return len(message.model_dump_json().encode()) <= MAX_MESSAGE_BYTES


def _message_without(job: Job, names: Iterable[Omission]) -> JobMessage:
    """Return the message without these parts. ``omitted`` has the names of those that the job has."""
    omitted: list[Omission] = []
    for name in names:
        rest = (LINKS | TEXTS)[name](job)
        if rest != job:
            job = rest
            omitted.append(name)
    return JobMessage(job=job, omitted=omitted)


def _without_upload_links(job: Job) -> Job:
    uploads = {role: upload.model_copy(update={"url": None}) for role, upload in job.uploads.items()}
    return job.model_copy(update={"uploads": uploads})


def _without_preview_link(job: Job) -> Job:
    if job.preview is None:
        return job
    return job.model_copy(update={"preview": job.preview.model_copy(update={"url": None})})


def _without_result_links(job: Job) -> Job:
    def change(result: Result) -> Result:
        copy = result.model_copy(deep=True)
        for file in copy.files:
            file.url = None
        return copy

    return _with_result(job, change)


def _without_outlines(job: Job) -> Job:
    def without(each: FoundObject) -> FoundObject:
        return each.model_copy(update={"outlines": []})

    return _with_result(
        job, lambda result: result.model_copy(update={"objects": [without(each) for each in result.objects]})
    )


def _with_result(job: Job, change: Callable[[Result], Result]) -> Job:
    return job if job.result is None else job.model_copy(update={"result": change(job.result)})


def _empty(name: str, value: object) -> Callable[[Job], Job]:
    """Return a function that gives a job's field this value."""
    return lambda job: job.model_copy(update={name: value})


def _empty_list_of_result(name: str) -> Callable[[Job], Job]:
    return lambda job: _with_result(job, lambda result: result.model_copy(update={name: []}))


# What is left out, in this order. docs/api.md has it.
LINKS: dict[Omission, Callable[[Job], Job]] = {
    "uploads.url": _without_upload_links,
    "preview.url": _without_preview_link,
    "result.url": _without_result_links,
}
# Params first: they never change, so that most clients know them.
TEXTS: dict[Omission, Callable[[Job], Job]] = {
    "params": _empty("params", {}),
    "result.objects.outlines": _without_outlines,
    "timeline": _empty("timeline", []),
    "result.objects": _empty_list_of_result("objects"),
    "uploads": _empty("uploads", {}),
    "result.notes": _empty_list_of_result("notes"),
    "result.models": _empty_list_of_result("models"),
    "result": _empty("result", None),
}
