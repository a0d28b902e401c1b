"""Exceptions of SDK and contract through ``pickle``, by itself and in a process pool."""

import copy
import inspect
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import darkroom
from darkroom.client import errors
from darkroom.client.errors import (
    ClientError,
    ConnectionLost,
    DownloadError,
    EnvironmentVariableError,
    FieldProblem,
    JobError,
    LinkExpired,
    LocalStackError,
    ProblemError,
    RetryableStatus,
    ScenesError,
    TokenExpired,
    UnreachableError,
    UploadError,
)
from darkroom.contract.errors import DarkroomError, ErrorCode
from tests.darkroom.jobs import failed

REFUSAL = ProblemError(
    status=429,
    code="rate_limited",
    title="Too many requests",
    detail="Wait.",
    errors=(FieldProblem("params.style", "unknown style"),),
    retry_after=3.0,
)
EXCEPTIONS: list[Exception] = [
    ClientError("not_installed", "It is not there."),
    REFUSAL,
    UnreachableError("No answer."),
    UploadError("too_large", "Too large."),
    DownloadError("not_found", "Gone."),
    JobError(failed(2, "no_face", "There is no face.")),
    LocalStackError("It does not run."),
    EnvironmentVariableError("ALL_PROXY", "cannot be used."),
    ScenesError("scene 1: picture"),
    ConnectionLost("closed"),
    TokenExpired("expired"),
    LinkExpired(),
    RetryableStatus("HTTP 503"),
    DarkroomError(ErrorCode.NO_FACE, "There is no face.", retryable=True),
]


def refuse(_: int) -> None:
    raise ProblemError(status=429, code="rate_limited", title="Too many requests", retry_after=3.0)


def test_every_exception_of_the_sdk_stands_in_one_module_and_is_tested_here() -> None:
    defined = {each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Exception)}
    assert defined == {type(each) for each in EXCEPTIONS} - {DarkroomError}
    public = {getattr(darkroom, name) for name in darkroom.__all__}
    exceptions = {each for each in public if isinstance(each, type) and issubclass(each, Exception)}
    assert exceptions <= defined | {DarkroomError}


@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_exception_survives_pickle(error: Exception, protocol: int) -> None:
    for back in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):  # noqa: S301 - written here
        assert type(back) is type(error)
        assert (str(back), back.args, vars(back)) == (str(error), error.args, vars(error))


def test_an_exception_keeps_its_notes() -> None:
    error = UploadError("too_large", "Too large.")
    error.add_note("room.jpg")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["room.jpg"]  # noqa: S301 - written here


def test_a_refusal_in_a_process_pool_arrives_as_itself() -> None:
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(ProblemError, match="rate_limited: Too many requests") as caught,
    ):
        list(pool.map(refuse, [1]))
    assert (caught.value.status, caught.value.retry_after) == (429, 3.0)
