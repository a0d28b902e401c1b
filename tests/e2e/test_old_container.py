"""Today's core beside the recorded container of 0.1.0: a stack in the middle of an upgrade."""

from collections.abc import Iterator

import pytest

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller, picture, upload
from tests.unlimited import UNLIMITED


@pytest.fixture(scope="module")
def old_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    context = {**UNLIMITED, "container_module": "tests.e2e.recorded_container", "preview_on": "endpoint"}
    with LocalStack(tmp_path_factory.mktemp("old"), context=context, keep=False) as stack:
        yield stack


@pytest.fixture(scope="module")
def owner(old_stack: LocalStack) -> Caller:
    return Caller(old_stack.endpoint, old_stack.socket, old_stack.token_for("owner"))


def test_a_job_is_done_by_the_old_container(owner: Caller) -> None:
    job = owner.run("restyle_room", {"style": "japandi"}, {"photo": pictures.jpeg()})
    assert (job["state"], job["attempt"], job["result"]["engine"]) == ("completed", 1, "preview")
    assert job["params"]["seed"] == 42
    assert picture(job).size == (320, 240)


def test_a_job_with_a_param_of_the_new_core_waits_for_a_newer_container(old_stack: LocalStack, owner: Caller) -> None:
    job_id, form = owner.created(style="boho")
    # As if the request had a param that came after 0.1.0.
    old_stack.client("dynamodb").update_item(
        TableName=old_stack.jobs_table,
        Key={"job_id": {"S": job_id}},
        UpdateExpression="SET params.added_later = :value",
        ExpressionAttributeValues={":value": {"BOOL": True}},
    )
    with owner.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        assert upload(form, pictures.jpeg()).is_success
        # A burst may skip states; the message tells this queue from that before the first attempt.
        waiting = next(job for job in socket.jobs(job_id) if job["message"].startswith("Waiting for a machine of"))
    assert (waiting["state"], waiting["attempt"], waiting["cost_usd"]) == ("queued", 0, None)
    assert owner.http.delete(f"/jobs/{job_id}").json()["state"] == "cancelled"
