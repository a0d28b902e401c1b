"""Logs of the local stack: what each function and the container wrote of a job, and of an unexpected error."""

import pytest

from infra.local.logs import running_logs
from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller


def test_every_part_that_worked_on_a_job_has_lines_that_name_it(stack: LocalStack, caller: Caller) -> None:
    found = running_logs(stack.folder, stack.client, stack.state.functions, 0)
    job = caller.restyle(pictures.jpeg())
    stack.wait_idle()
    lines = [line for line in found.read() if job["job_id"] in line.raw]
    assert {"api", "uploaded", "dispatch", "cpu", "finished"} <= {line.source for line in lines}
    assert [line.time for line in lines] == sorted(line.time for line in lines)


def test_the_traceback_of_an_unexpected_error_is_there(stack: LocalStack) -> None:
    found = running_logs(stack.folder, stack.client, stack.state.functions, 0)
    found.read()
    with pytest.raises(RuntimeError, match="requestContext"):
        stack.invoke("api", {})
    (error,) = [line for line in found.read() if line.source == "api" and line.level == "ERROR"]
    assert error.text.startswith("Traceback ")
    assert error.text.rstrip().endswith("KeyError: 'requestContext'")
