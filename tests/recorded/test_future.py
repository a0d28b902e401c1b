"""Rows, invocations, outcomes, messages and answers of a later version: today's readers take them."""

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from tests.recorded import files, future, today

_outcomes: TypeAdapter[Any] = TypeAdapter(today.Outcome)
JOB_ROW = today.JobRecord.model_json_schema()


def _parts(folder: str) -> list[Any]:
    return [pytest.param(files.read(name), id=name) for name in files.names(folder)]


def _item(values: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = today.to_item(values)
    return item


@pytest.mark.parametrize("rows", _parts("rows/jobs"))
def test_a_job_row_is_read_with_any_unknown_value_or_field(rows: dict[str, Any]) -> None:
    for part, recorded in rows.items():
        row = today.from_item(recorded)
        for where, changed in future.each_change(row, JOB_ROW):
            record = today.JobRecord.from_item(_item(changed))
            assert record.job_id == row["job_id"], f"{part}: {where}"
            # Only what this version knows of tells it that the row is of a newer one.
            assert record.newer_version == (future.UNKNOWN in str(changed)), f"{part}: {where}"
            # Of an unknown state, the index of open jobs tells whether the job has ended.
            assert record.ended == ("due_shard" not in row), f"{part}: {where}"


@pytest.mark.parametrize("rows", _parts("rows/jobs"))
def test_unknown_values_of_a_job_row_are_shown_as_text(rows: dict[str, Any]) -> None:
    for recorded in rows.values():
        changed = future.all_changes(today.from_item(recorded), JOB_ROW)
        job = today.JobRecord.from_item(_item(changed)).public(lambda key: f"https://{key}")
        shown = job.model_dump(mode="json")
        for name in ("kind", "state", "engine"):
            assert shown[name] == future.UNKNOWN
        assert all(upload["content_type"] == future.UNKNOWN for upload in shown["uploads"].values())
        assert shown["error"] is None or shown["error"]["code"] == future.UNKNOWN


@pytest.mark.parametrize("name", ["result", "error", "timeline", "preview", "attempt", "started_at"])
def test_a_value_of_an_unknown_form_is_left_out_of_a_job(name: str) -> None:
    row = today.from_item(files.read("rows/jobs/upscale-preview")["completed"])
    record = today.JobRecord.from_item(_item({**row, name: "in another form"}))
    assert (record.job_id, record.newer_version) == (row["job_id"], True)
    assert getattr(record, name) == today.JobRecord.model_fields[name].get_default(call_default_factory=True)


def test_a_row_without_what_every_job_has_is_unreadable() -> None:
    row = files.read("rows/jobs/upscale-preview")["completed"]
    del row["owner"]
    with pytest.raises(today.UnreadableItem):
        today.JobRecord.from_item(row)


@pytest.mark.parametrize("rows", [files.read("rows/assets")], ids=["assets"])
def test_an_asset_row_is_read_with_any_unknown_value_or_field(rows: dict[str, Any]) -> None:
    for part, recorded in rows.items():
        row = today.from_item(recorded)
        for where, changed in future.each_change(row, today.Asset.model_json_schema()):
            asset = today.Asset.from_item(_item(changed))
            assert asset.asset_id == row["asset_id"], f"{part}: {where}"
            assert asset.newer_version == (future.UNKNOWN in str(changed)), f"{part}: {where}"


@pytest.mark.parametrize("parts", _parts("invocations"))
def test_an_invocation_is_done_or_refused_with_the_code_for_it(parts: dict[str, Any]) -> None:
    for recorded in parts.values():
        body = recorded["body"]
        schema = today.Invocation.model_json_schema()
        for where, changed in future.each_change(body, schema):
            invocation = today.Invocation.model_validate(changed)
            if where == "the whole":
                today.typed_params(invocation)
            else:
                assert _refusal(invocation) == today.ErrorCode.UNKNOWN_TO_VERSION, where
        invocation = today.Invocation.model_validate({**body, "params": {**body["params"], **future.ADDED}})
        assert _refusal(invocation) == today.ErrorCode.UNKNOWN_TO_VERSION


def _refusal(invocation: today.Invocation) -> str:
    with pytest.raises(today.DarkroomError) as refused:
        today.typed_params(invocation)
    return str(refused.value.detail.code)


@pytest.mark.parametrize("parts", [each for each in _parts("outcomes") if "http_answers" not in str(each.id)])
def test_an_outcome_is_read_with_any_unknown_value_or_field(parts: dict[str, Any]) -> None:
    for part, recorded in parts.items():
        for where, changed in future.each_change(recorded, _outcomes.json_schema(), keep=("status",)):
            outcome = _outcomes.validate_python(changed)
            assert (outcome.job_id, outcome.status) == (recorded["job_id"], recorded["status"]), f"{part}: {where}"


def test_a_message_of_the_job_queue_is_read() -> None:
    message = {"job_id": "0" * 32, "attempt": 7, "kind": future.UNKNOWN, **future.ADDED}
    assert today.DispatchMessage.model_validate(message).attempt == 7


CLIENT_ANSWERS: dict[str, type[BaseModel]] = {
    "listJobs": today.responses.JobPage,
    "getJob": today.Job,
    "cancelJob": today.Job,
    "createJob": today.responses.Created,
    "renewUploads": today.responses.Created,
    "listStyles": today.responses.StyleList,
    "listAvatars": today.responses.AvatarList,
    "listVoices": today.responses.VoiceList,
    "getConfig": today.responses.Config,
    "listAssets": today.responses.AssetPage,
    "createAsset": today.responses.CreatedAsset,
    "enhancePrompt": today.responses.EnhancedPrompt,
    "getLimits": today.reports.Limits,
    "getServices": today.reports.Services,
    "getStatistics": today.reports.Statistics,
    "getCacheStats": today.reports.CacheStats,
}


@pytest.mark.parametrize("operation", CLIENT_ANSWERS)
def test_the_client_reads_an_answer_with_any_unknown_value_or_field(operation: str) -> None:
    document = today.openapi.openapi()
    schema = {"$defs": document["components"]["schemas"]}
    examples = [
        (content["schema"], example)
        for item in document["paths"].values()
        for each in item.values()
        if each.get("operationId") == operation
        for status, answer in each["responses"].items()
        if status in ("200", "201")
        for content in answer["content"].values()
        for example in _examples(content)
    ]
    assert examples
    for answer_schema, example in examples:
        changes = list(future.each_change(example, {**schema, **answer_schema}))
        assert changes
        for where, changed in [*changes, ("all", future.all_changes(example, {**schema, **answer_schema}))]:
            found = CLIENT_ANSWERS[operation].model_validate(changed)
            assert found.model_dump_json(), where


def _examples(content: dict[str, Any]) -> list[Any]:
    return [content["example"]] if "example" in content else [each["value"] for each in content["examples"].values()]
