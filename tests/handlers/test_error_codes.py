"""Registry of error codes: complete, and the committed page is the one that it describes."""

from http import HTTPStatus

import pytest

from darkroom.contract.errors import ErrorCode
from handlers.http_api.error_codes import ERROR_CODES, Retry
from handlers.http_api.errors_reference import PAGE, errors_markdown
from handlers.http_api.problems import problem


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == errors_markdown(), "run `make reference`"


def test_every_code_has_one_description_in_the_order_of_the_contract() -> None:
    assert list(ERROR_CODES) == list(ErrorCode)


@pytest.mark.parametrize("code", ErrorCode)
def test_a_description_is_complete(code: ErrorCode) -> None:
    found = ERROR_CODES[code]
    assert found.status is not None or found.in_jobs, "a code is in answers of the API, in jobs, or in both"
    assert found.title
    assert found.title[-1] not in ".!"
    for text in (found.meaning, found.remedy):
        assert text.endswith(".")
        assert "|" not in text


@pytest.mark.parametrize("code", ErrorCode)
def test_a_problem_has_status_and_title_of_its_code(code: ErrorCode) -> None:
    found = problem(code, "It failed.")
    assert found.status == (ERROR_CODES[code].status or HTTPStatus.INTERNAL_SERVER_ERROR)
    assert found.title == ERROR_CODES[code].title


@pytest.mark.parametrize("code", ErrorCode)
def test_the_page_has_a_row_and_a_section_for_each_code(code: ErrorCode) -> None:
    page = errors_markdown()
    assert f"| [`{code}`](#{code}) |" in page
    assert f"\n## {code}\n" in page


def test_answers_that_tell_when_to_retry_are_retried_by_their_caller() -> None:
    for code, found in ERROR_CODES.items():
        if found.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            assert found.retry is not Retry.NO, code
