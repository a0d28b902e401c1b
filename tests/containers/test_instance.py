"""Instance reports: engine digests, and the instance's state."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud import clients
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReport, InstanceReports
from containers.gpu.instance_reporter import InstanceReporter
from containers.worker import plan_preparer as module
from containers.worker.plan_preparer import PlanPreparer, weights_digest
from containers.worker.settings import Settings
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.video_params import RenderScenesParams
from pipeline.core.networks import MemoryInventory, NetworkInMemory
from pipeline.core.stages import Plan
from pipeline.models.network_registry import ANIMATOR
from pipeline.plans import get_plan
from tests.containers.conftest import BUCKET

SUPPORTED = ((Kind.RESTYLE_ROOM, Engine.PREVIEW), (Kind.RESTYLE_ROOM, Engine.MODELS))


class Reports(InstanceReports):
    """Progress store that records writes."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.wait_for_stage = threading.Event()

    def write(self, report: InstanceReport) -> None:
        super().write(report)
        self.wait_for_stage.set()


class OneNetwork:
    """A GPU with one network on it."""

    def __init__(self, long_side: int = 768) -> None:
        self.long_side = long_side

    def inventory(self) -> MemoryInventory:
        return MemoryInventory(
            "Tesla T4", (NetworkInMemory("unet", 1_720_000_000, True),), 3_000_000_000, 15_600_000_000
        )

    def check_weights(self, _networks: Sequence[Any]) -> None:
        return


@pytest.fixture
def reports(s3: object) -> Reports:
    clients.dynamodb().create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    return Reports(Ledger("ledger"))


def plan_for(kind: Kind, engine: Engine, allow_preview: bool) -> Plan:
    return get_plan(kind, engine, allow_preview=allow_preview)


def engines(weights: Path, networks: Callable[[], Any] = OneNetwork, **choices: Any) -> PlanPreparer:
    settings = Settings(jobs_table="jobs", ledger_table="ledger", bucket=BUCKET, weights=weights, **choices)
    return PlanPreparer(plan_for, networks, lambda networks: weights_digest(settings, networks))


def test_an_instance_reports_its_engine_digests_and_its_state(reports: Reports, tiny_weights: Path) -> None:
    preparer = engines(tiny_weights)
    reporter = InstanceReporter(reports, preparer, lambda: 2)
    reporter.start(SUPPORTED)
    assert reports.wait_for_stage.wait(10)
    reporter.stop()

    (written_digests,) = reports.read(time.time())
    assert written_digests.jobs == 2
    assert (written_digests.device, written_digests.vram_used_mb, written_digests.vram_total_mb) == (
        "Tesla T4",
        3000,
        15600,
    )
    assert [(each.name, each.megabytes, each.on_device) for each in written_digests.networks] == [("unet", 1720, True)]
    assert reports.read_engine_digest("restyle_room", "preview") == preparer.engine_digests(SUPPORTED)[SUPPORTED[0]]
    assert reports.read_engine_digest("restyle_room", "models") == preparer.engine_digests(SUPPORTED)[SUPPORTED[1]]


def test_an_instance_without_models_reports_no_device(reports: Reports, tmp_path: Path) -> None:
    def imported() -> OneNetwork:
        raise AssertionError("without weights nothing heavy is imported")

    reporter = InstanceReporter(reports, engines(tmp_path, imported), lambda: 0)
    reporter.start(SUPPORTED)
    assert reports.wait_for_stage.wait(10)
    reporter.stop()
    (written_digests,) = reports.read(time.time())
    assert (written_digests.device, written_digests.networks) == (None, [])


def test_a_failed_device_query_is_retried(reports: Reports, tiny_weights: Path) -> None:
    answers = iter([RuntimeError("CUDA error")])

    class Faltering(OneNetwork):
        def inventory(self) -> MemoryInventory:
            for error in answers:
                raise error
            return super().inventory()

    reporter = InstanceReporter(reports, engines(tiny_weights, Faltering), lambda: 0, interval=0.01)
    reporter.start(SUPPORTED)
    assert reports.wait_for_stage.wait(10)
    reporter.stop()
    assert [each.device for each in reports.read(time.time())] == ["Tesla T4"]


def test_an_instance_without_recent_reports_counts_as_gone(reports: Reports, tiny_weights: Path) -> None:
    reports.write(InstanceReporter(reports, engines(tiny_weights), lambda: 0).report())
    assert reports.read(time.time())
    assert not reports.read(time.time() + 600)


def test_model_size_and_licence_change_the_engine_digest(tiny_weights: Path, tmp_path: Path) -> None:
    usual = engines(tiny_weights).engine_digests(SUPPORTED)
    others = [
        engines(tiny_weights, models={"detector": "rt-detr-r18"}).engine_digests(SUPPORTED),
        engines(tiny_weights, lambda: OneNetwork(1024)).engine_digests(SUPPORTED),
        engines(tiny_weights, accept_research_licence=True).engine_digests(SUPPORTED),
    ]
    assert {each[SUPPORTED[0]] for each in others} == {usual[SUPPORTED[0]]}
    assert len({each[SUPPORTED[1]] for each in (usual, *others)}) == 4
    params = RestyleRoomParams(style="scandinavian")
    assert engines(tiny_weights).prepare(*SUPPORTED[1], False, params).digest == usual[SUPPORTED[1]]
    assert set(engines(tmp_path).engine_digests(SUPPORTED)) == {SUPPORTED[0]}, (
        "without weights there is no models engine"
    )


class WithoutAnimator(OneNetwork):
    """Network provider without the animator, as its licence was not accepted."""

    def check_weights(self, networks: Sequence[Any]) -> None:
        if ANIMATOR in networks:
            raise DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, "There is no animator.")


def test_scenes_without_portraits_need_no_animator(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKROOM_PROGRAMS", str(tmp_path))
    drawn = {"type": "generated", "prompt": "a fox"}
    speaking = {"type": "avatar", "avatar": "host", "script": "Hello."}
    without, kind_and_engine = engines(tiny_weights, WithoutAnimator), (Kind.RENDER_SCENES, Engine.MODELS)
    prepared = without.prepare(*kind_and_engine, False, RenderScenesParams.model_validate({"scenes": [drawn, drawn]}))
    assert without.engine_digests([kind_and_engine]) == {kind_and_engine: prepared.digest}
    portraits = RenderScenesParams.model_validate({"scenes": [drawn, speaking]})
    with pytest.raises(DarkroomError, match="no animator"):
        without.prepare(*kind_and_engine, False, portraits)
    assert without.prepare(*kind_and_engine, True, portraits).plan.engine is Engine.PREVIEW


def test_library_versions_change_the_engine_digest(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = engines(tiny_weights).engine_digests(SUPPORTED)
    opencv = SimpleNamespace(metadata={"Name": "opencv-python-headless"}, version="99")
    monkeypatch.setattr(module, "distributions", lambda: [opencv])
    module._code_digest.cache_clear()
    updated = engines(tiny_weights).engine_digests(SUPPORTED)
    module._code_digest.cache_clear()
    assert not set(usual.values()) & set(updated.values())


def test_fonts_change_the_engine_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "__init__.py").touch()
    font = tmp_path / "letters.otf"
    font.write_bytes(b"letters")
    monkeypatch.setattr("pipeline.__path__", [str(tmp_path)])
    module._code_digest.cache_clear()
    usual = module._code_digest()
    font.write_bytes(b"other letters")
    module._code_digest.cache_clear()
    updated = module._code_digest()
    module._code_digest.cache_clear()
    assert usual != updated


def test_a_rejected_write_does_not_stop_the_reports(reports: Reports, tiny_weights: Path) -> None:
    rejected = iter([0, 1])

    class Rejecting(InstanceReports):
        """Rejects the first digest and the first report, as a table does for a moment."""

        def write_engine_digest(self, kind: str, engine: str, digest: str) -> None:
            for _ in rejected:
                raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutItem")
            reports.write_engine_digest(kind, engine, digest)

        def write(self, report: InstanceReport) -> None:
            reports.write(report)

    preparer = engines(tiny_weights)
    reporter = InstanceReporter(Rejecting(Ledger("nowhere")), preparer, lambda: 0, interval=0.01)
    reporter.start(SUPPORTED)
    assert reports.wait_for_stage.wait(10)
    reporter.stop()
    assert list(rejected) == [], "it was rejected twice"
    assert len(reports.read(time.time())) == 1
    for (kind, engine), digest in preparer.engine_digests(SUPPORTED).items():
        assert reports.read_engine_digest(kind, engine) == digest


@pytest.mark.parametrize("error", [DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, "not here"), ImportError("no cv2")])
def test_an_engine_that_raises_is_omitted(error: Exception) -> None:
    def broken(_kind: Kind, _engine: Engine, _allow_preview: bool) -> Plan:
        raise error

    assert PlanPreparer(broken, OneNetwork).engine_digests(SUPPORTED) == {}  # type: ignore[arg-type]
