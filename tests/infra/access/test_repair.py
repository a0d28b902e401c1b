"""Repair of a restored stack: its API is closed until the lost jobs' objects are deleted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.access.refusals import Refused
from infra.local.access.repair import Repair
from infra.local.access.request import Request
from infra.local.access.routes import EmulatorRoutes
from infra.local.snapshots.files import LostWork
from tests.infra.access.conftest import Deployed

JOBS = Request("POST", "/_aws/execute-api/1a2b/$default/jobs", "")


def test_the_api_is_closed_until_the_repair_is_complete(tmp_path: Path) -> None:
    lost = LostWork(since=datetime.now(UTC), reason="the emulator was killed")
    lost.write(tmp_path)
    routes = EmulatorRoutes(Deployed(), Repair(tmp_path).complete)
    with pytest.raises(Refused, match="try again") as refused:
        routes.opening(JOBS)
    assert refused.value.status == 503
    (tmp_path / LostWork.file()).unlink()
    assert routes.opening(JOBS) is not None
    lost.write(tmp_path)  # the next start's, not this emulator's
    assert routes.opening(JOBS) is not None
