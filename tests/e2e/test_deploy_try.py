"""``darkroom deploy try --local``: real jobs on the deployed local stack, hop by hop, of which nothing is left."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from darkroom.client.local_stack import FOLDER
from infra.commands.deploy.group import app
from infra.local.stack import LocalStack


@pytest.fixture
def here(stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The stack's port; it runs from the current directory."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / str(stack.state.port)).symlink_to(stack.folder)
    monkeypatch.chdir(tmp_path)
    return stack.state.port


def deploy_try(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["try", "--local", *map(str, arguments)])


def traces(stack: LocalStack) -> set[str]:
    """Every object, job and cached result of the stack."""
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stack.bucket)
    keys = {found["Key"] for page in pages for found in page.get("Contents", [])}
    jobs = stack.client("dynamodb").scan(TableName=stack.jobs_table)["Items"]
    ledger = stack.client("dynamodb").scan(TableName=stack.state.tables.ledger)["Items"]
    cached = {item["pk"]["S"] for item in ledger if item["pk"]["S"].startswith("cache#")}
    return keys | {job["job_id"]["S"] for job in jobs} | cached


@pytest.mark.usefixtures("on_the_endpoint")
def test_a_job_of_a_kind_is_tried_hop_by_hop_and_nothing_is_left(stack: LocalStack, here: int) -> None:
    stack.wait_idle()
    before = traces(stack)
    result = deploy_try("--port", here, "--kind", "find_objects")
    assert result.exit_code == 0, result.output
    hops = [line[:45].strip() for line in result.stdout.splitlines()]
    for name in (
        *("connected", "answered", "invocation accepted", "answer in S3"),
        *("request accepted", "files uploaded", "done", "result downloaded"),
    ):
        assert any(re.match(rf"{name}\s+\d", hop) for hop in hops), (name, result.stdout)
    assert "the container answers" in result.stdout
    assert "preview engine" in result.stdout
    assert "removed 2 jobs" in result.stderr
    stack.wait_idle()
    assert traces(stack) == before


@pytest.mark.usefixtures("on_the_endpoint")
def test_an_endpoint_that_cannot_be_reached_fails_and_names_the_logs(stack: LocalStack, here: int) -> None:
    stack.wait_idle()
    before = traces(stack)
    with stack.faults(unreachable=True):
        result = deploy_try("--kind", "upscale", "--port", here)
    assert result.exit_code == 1, result.output
    assert "endpoint_unavailable" in result.stdout
    assert len(re.findall(r"darkroom logs --job [0-9a-f]{32}", result.stdout)) == 2
    stack.wait_idle()
    assert traces(stack) == before
