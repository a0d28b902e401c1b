"""Messages between components of 0.1.0: today's components understand them."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.recorded import files, today

_outcomes: TypeAdapter[Any] = TypeAdapter(today.Outcome)


def parts(folder: str) -> list[Any]:
    """The parts of every file below a folder, each named for its test."""
    return [
        pytest.param(content, id=f"{name}:{part}")
        for name in files.names(folder)
        for part, content in files.read(name).items()
    ]


@pytest.mark.parametrize("recorded", parts("invocations"))
def test_an_invocation_is_read_with_its_params(recorded: Any) -> None:
    invocation = today.Invocation.model_validate(recorded["body"])
    assert today.typed_params(invocation).model_dump(mode="json") == recorded["body"]["params"]
    found = files.differences(recorded["body"], invocation.model_dump(mode="json"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("recorded", [each for each in parts("outcomes") if "http_answers" not in str(each.id)])
def test_an_outcome_is_read(recorded: Any) -> None:
    outcome = _outcomes.validate_python(recorded)
    found = files.differences(recorded, outcome.model_dump(mode="json"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("recorded", parts("notices"))
def test_a_notice_is_read(recorded: Any) -> None:
    notice = today.AsyncInferenceNotification.model_validate(recorded)
    assert (notice.inference_id, notice.status) == (recorded["inferenceId"], recorded["invocationStatus"])
    assert notice.failure_reason == recorded.get("failureReason", "")
    assert notice.response.output_location == recorded.get("responseParameters", {}).get("outputLocation")


@pytest.mark.parametrize("recorded", parts("queues"))
def test_a_job_queue_message_is_read(recorded: Any) -> None:
    for message in recorded if isinstance(recorded, list) else [recorded]:
        body = message.get("Body")
        if isinstance(body, dict):
            assert today.DispatchMessage.model_validate(body).model_dump(mode="json", exclude_unset=True) == body


def test_websocket_messages_are_accepted_or_rejected_as_recorded() -> None:
    for part, recorded in files.read("socket/messages").items():
        if "body" not in recorded.get("event", {}):
            continue
        if part.startswith("invalid"):
            with pytest.raises(ValueError):
                today.socket_requests.validate_json(recorded["event"]["body"])
        else:
            today.socket_requests.validate_json(recorded["event"]["body"])
