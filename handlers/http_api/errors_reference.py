"""Reference of the error codes: ``docs/errors.md``, generated from the registry of error codes.

``python -m handlers.http_api.errors_reference`` writes it.
"""

from pathlib import Path

from darkroom.contract.jobs import MAX_ATTEMPTS
from handlers.http_api.error_codes import ERROR_CODES, ErrorCodeDescription

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"

INTRODUCTION = f"""\
# Error codes

Written by `make reference` from the registry of error codes, [error_codes.py](../handlers/http_api/error_codes.py).

An answer of the API with an error status is a problem (RFC 9457, `application/problem+json`).
Its `code` is one of these.
A job that failed or was cancelled has `error` with `code`, `message` and `retryable`.
So has an asset whose picture was refused.
Codes are stable: new ones may be added, none is renamed.
`title`, `detail` and `message` are for people and may be reworded.

API Gateway rejects missing and invalid tokens itself, before the API is called.
Its answer is 401 `{{"message": "Unauthorized"}}` (`application/json`), without a `code`; treat it as `unauthorized`.
It answers in this form too if a body has more than 10 MB (413), if there are too many requests (429), or if the API
itself does not answer (500, 503, 504). SDK and studio give these the code of their status.
The API's own 401 is a problem. It comes only for a valid token that names no user.

Who retries:

- *the service*: a job's attempt that fails with `retryable` is queued again, up to {MAX_ATTEMPTS} attempts.
  If the last one fails, the job fails with `retryable: true`, and the caller may submit it again.
- *the caller*: the same request can succeed later, or the same job if it is submitted again.
- *no*: the same request fails again. Change it first.

For a failed job, its own `retryable` is decisive: it is false if the cause is permanent.
The service retries jobs, never requests.
After a 5xx status, the caller can repeat `GET`, `DELETE`, and requests with an `Idempotency-Key`.
"""


def errors_markdown() -> str:
    """Return the content of ``docs/errors.md``: a table of all codes, and a section for each."""
    rows = [
        f"| [`{code}`](#{code}) | {_found_in(each)} | {each.title} | {each.retry} |"
        for code, each in ERROR_CODES.items()
    ]
    table = "\n".join(["| code | HTTP status | title | retry |", "| --- | --- | --- | --- |", *rows])
    sections = [f"## {code}\n\n{each.meaning}\n\nWhat to do: {each.remedy}" for code, each in ERROR_CODES.items()]
    return "\n\n".join([INTRODUCTION.rstrip(), table, *sections]) + "\n"


def _found_in(each: ErrorCodeDescription) -> str:
    answer = [] if each.status is None else [str(each.status.value)]
    return ", ".join([*answer, *(["job error"] if each.in_jobs else [])])


def main() -> None:
    """Write the page."""
    PAGE.write_text(errors_markdown(), "utf-8")


if __name__ == "__main__":
    main()
