"""Stored and sent forms: DynamoDB's numbers and expressions, stream records, presigned forms, messages."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from cloud import clients
from cloud.dynamodb.attributes import from_attribute, to_attribute
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import OMITTED_IF_EMPTY, JobRecord, due_shard, timestamp
from cloud.dynamodb.stream_records import latest_changes
from cloud.invocation import Invocation
from cloud.job_queue import DeadLetterQueue, DispatchMessage, JobQueue, message_group_id
from cloud.s3.presigner import Presigner
from darkroom.contract.jobs import UploadStatus
from darkroom.contract.uploads import MAX_UPLOAD_BYTES

MakeRecord = Callable[..., JobRecord]
JOB = "a" * 32


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (1e-101, f"0.{99 * '0'}1"),
        (-1e-101, f"-0.{99 * '0'}1"),
        (1e-100, f"0.{99 * '0'}1"),
        (0.0, "0.0"),
        (-7, "-7"),
        (0.25, "0.25"),
        (10**20, "100000000000000000000"),
    ],
)
def test_a_number_is_stored_as_dynamodb_takes_it(value: float, stored: str) -> None:
    assert to_attribute(value) == {"N": stored}


@pytest.mark.parametrize(
    ("stored", "value"), [("7", 7), ("-7", -7), ("7.0", 7), ("7.5", 7.5), ("1E+3", 1000), ("-0.5", -0.5)]
)
def test_a_whole_number_is_read_as_an_integer(stored: str, value: float) -> None:
    found = from_attribute({"N": stored})
    assert (found, type(found)) == (value, type(value))


def test_only_json_is_stored() -> None:
    for wrong in (b"bytes", {1}, object()):
        with pytest.raises(TypeError, match="no JSON value"):
            to_attribute(wrong)
    with pytest.raises(ValueError, match="type B"):
        from_attribute({"B": b"bytes"})


def test_an_update_has_every_clause_and_condition() -> None:
    update = ConditionalUpdate()
    update.set({"state": "failed", "uploads.photo.size": 3})
    update.set_if_absent("started_at", 5)
    update.add("seq", 1)
    update.remove(["stage", "due_at"])
    update.require("attempt", "=", 2)
    update.require_one_of("kind", {"b", "a"})
    update.require_if_present("moment", "<=", 9)
    update.require_absent("pk")
    update.require_size("uploads", 1)
    assert update.arguments() == {
        "UpdateExpression": "SET #state = :v0, #uploads.#photo.#size = :v1, "
        "#started_at = if_not_exists(#started_at, :v2) ADD #seq :v3 REMOVE #stage, #due_at",
        "ConditionExpression": "#attempt = :v4 AND #kind IN (:v5, :v6) AND "
        "(attribute_not_exists(#moment) OR #moment <= :v7) AND attribute_not_exists(#pk) AND size(#uploads) = :v8",
        "ExpressionAttributeNames": {
            f"#{name}": name
            for name in (
                *("state", "uploads", "photo", "size", "started_at", "seq", "stage", "due_at"),
                *("attempt", "kind", "moment", "pk"),
            )
        },
        "ExpressionAttributeValues": {
            f":v{number}": to_attribute(value) for number, value in enumerate(["failed", 3, 5, 1, 2, "a", "b", 9, 1])
        },
    }
    alone = ConditionalUpdate()
    alone.set({"state": "failed"})
    assert "ConditionExpression" not in alone.arguments()


def test_a_row_leaves_out_only_what_is_read_as_empty(record: MakeRecord) -> None:
    empty = record()
    assert OMITTED_IF_EMPTY.isdisjoint(empty.to_item())
    assert JobRecord.from_item(empty.to_item()) == empty
    values = {
        "timeline": [{"stage": "load", "seconds": 1}],
        "copied_from": {"photo": "uploads/1/photo"},
        "copied_etags": {"photo": '"1b"'},
        "refusals": 1,
    }
    full = record(**dict.fromkeys(OMITTED_IF_EMPTY, True) | values)
    assert full.to_item().keys() >= OMITTED_IF_EMPTY
    assert JobRecord.from_item(full.to_item()) == full


def test_the_newest_state_of_each_job_in_a_batch_is_used(record: MakeRecord) -> None:
    one, other = record(job_id=JOB, seq=2), record(job_id="b" * 32, seq=7)

    def change(job: JobRecord, number: int, at: float | None = None) -> dict[str, Any]:
        moment = {} if at is None else {"ApproximateCreationDateTime": at}
        return {"dynamodb": {"NewImage": job.to_item(), "SequenceNumber": str(number), **moment}}

    newer = one.model_copy(update={"seq": 3})
    broken = {"dynamodb": {"NewImage": {"job_id": {"S": JOB}}, "SequenceNumber": "1"}}
    removed = {"dynamodb": {"SequenceNumber": "2"}}
    found = latest_changes([removed, broken, change(newer, 10, 5.0), change(other, 9, 6.0), change(one, 11, 7.0)])
    assert [(each.record.job_id, each.record.seq, each.sequence_number, each.at) for each in found] == [
        (other.job_id, 7, "9", 6.0),
        (JOB, 3, "10", 5.0),
    ]


def test_times_are_stored_so_that_text_sorts() -> None:
    assert timestamp(datetime(2026, 6, 1, tzinfo=UTC)) == "2026-06-01T00:00:00.000000+00:00"
    assert {due_shard(f"{digit:x}" + "0" * 31) for digit in range(16)} == {str(shard) for shard in range(8)}


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("declared", "sizes"), [({"size": 7}, [7, 7]), ({}, [1, MAX_UPLOAD_BYTES]), ({"size": 1}, [1, 1])]
)
def test_a_form_takes_the_declared_file_alone(declared: dict[str, Any], sizes: list[int]) -> None:
    presigner = Presigner(clients.s3(), "bucket", get_seconds=77, post_seconds=900)
    before = datetime.now(UTC)
    status = UploadStatus(content_type="image/png", sha256="ab" * 32, **declared)
    form = presigner.post("uploads/x/photo", status)
    assert 899 <= (form.expires_at - before).total_seconds() <= 901 + (datetime.now(UTC) - before).total_seconds()
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    checksum = base64.b64encode(bytes.fromhex("ab" * 32)).decode()
    for condition in (
        {"bucket": "bucket"},
        {"key": "uploads/x/photo"},
        {"Content-Type": "image/png"},
        {"x-amz-checksum-algorithm": "SHA256"},
        {"x-amz-checksum-sha256": checksum},
        ["content-length-range", *sizes],
    ):
        assert condition in policy["conditions"]
    expiration = datetime.fromisoformat(policy["expiration"])
    assert abs((expiration - form.expires_at).total_seconds()) <= 1
    assert form.fields["x-amz-checksum-sha256"] == checksum
    link = urlsplit(presigner.get("results/x/result.jpg"))
    assert parse_qs(link.query)["X-Amz-Expires"] == ["77"]


def test_a_public_job_has_links_and_its_record_none(record: MakeRecord) -> None:
    picture = {"name": "result", "key": "results/x/result.jpg", "content_type": "image/jpeg"}
    size = {"width": 4, "height": 3, "size": 9, "sha256": "0"}
    job = record(
        state="completed",
        result={"engine": "preview", "pictures": [picture | size]},
        preview={"key": "previews/x/1.jpg", "width": 4, "height": 3},
        uploads={
            "photo": {"content_type": "image/jpeg", "received": True},
            "mask": {"content_type": "image/png"},
            "avatar": {"content_type": "image/webp"},
        },
        copied_from={"avatar": "avatars/amara", "mask": "assets/1"},
    )
    public = job.public(lambda key: f"https://store.example/{key}")
    assert public.result is not None
    assert public.preview is not None
    assert [file.url for file in public.result.files] == ["https://store.example/results/x/result.jpg"]
    assert public.preview.url == "https://store.example/previews/x/1.jpg"
    assert {role: upload.url for role, upload in public.uploads.items()} == {
        "photo": f"https://store.example/uploads/{job.job_id}/photo",
        "mask": "https://store.example/assets/1",
        "avatar": None,
    }
    assert job.result is not None
    assert [file.url for file in job.result.files] == [None], "links are made for each answer"
    assert "owner" not in public.model_dump()


class Queue:
    """An SQS client that records messages."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send_message(self, **message: Any) -> None:
        self.messages.append(message)


def test_a_message_asks_for_the_next_attempt_of_its_owner(record: MakeRecord) -> None:
    client: Any = Queue()
    job = record(attempt=1, owner="owner 1")
    JobQueue(client, "queue").send(job, delay=7)
    JobQueue(client, "queue").send_to_dead_letters(job)
    DeadLetterQueue(client, "dead").send(job)
    group = message_group_id("owner 1")
    first, dead = client.messages
    assert json.loads(first.pop("MessageBody")) == {
        "job_id": job.job_id,
        "attempt": 2,
        "kind": "restyle_room",
        "engine": "preview",
    }
    assert first == {"QueueUrl": "queue", "MessageGroupId": group, "DelaySeconds": 7}
    assert set(json.loads(dead.pop("MessageBody"))) == {"job_id", "kind", "attempt", "error", "updated_at"}
    assert dead == {"QueueUrl": "dead", "MessageGroupId": group}


def test_a_message_group_is_an_owner_of_up_to_128_printable_characters() -> None:
    assert message_group_id("o" * 128) == "o" * 128
    for owner in ("o" * 129, "owner 1", "é", ""):
        assert len(message_group_id(owner)) == 64


def test_an_attempt_is_counted_from_one_and_progress_is_a_share() -> None:
    values: dict[str, Any] = {"job_id": JOB, "attempt": 1, "kind": "upscale", "engine": "preview", "params": {}}
    values |= {"uploads": {}, "deadline": datetime(2026, 6, 1, tzinfo=UTC)}
    usual = Invocation.model_validate(values)
    assert (usual.allow_preview, usual.progress) == (False, 0.0)
    for progress in (0, 1):
        assert Invocation.model_validate(values | {"progress": progress}).progress == progress
    for wrong in ({"attempt": 0}, {"progress": -0.1}, {"progress": 1.1}):
        with pytest.raises(ValidationError):
            Invocation.model_validate(values | wrong)
    assert DispatchMessage(job_id=JOB, attempt=1).kind is None
    with pytest.raises(ValidationError):
        DispatchMessage(job_id=JOB, attempt=0)
