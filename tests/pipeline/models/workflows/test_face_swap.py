"""``face_swap`` on the models engine, with tiny networks in InsightFace's own format: faces are red squares."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import FaceSwapParams
from darkroom.contract.results import HALF_SIZE_NOTE
from pipeline.core.runner import PlanResult, Runner
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import StageContext
from pipeline.imaging.faces import face_mask
from pipeline.models.network_registry import FACE_ANALYSER, FACE_SWAPPER, SAFETY
from pipeline.models.networks import faces
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.plans import get_plan
from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore

LICENSED = "accept_research_licence=true"


@pytest.fixture(scope="module")
def models(tiny_weights: Path) -> ModelManager:
    return ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), accept_research_licence=True)


def scene(*lefts: int, width: int = 640, height: int = 480, colour: tuple[int, int, int] = (255, 0, 0)) -> np.ndarray:
    """Noise with a red square, the tiny detector's idea of a face, at each of ``lefts``."""
    picture = np.random.default_rng(len(lefts)).integers(90, 140, (height, width, 3)).astype(np.uint8)
    for left in lefts:
        picture[200:240, left : left + 40] = colour
    return picture


Swap = Callable[..., PlanResult]


@pytest.fixture
def swap(models: ModelManager, tmp_path: Path) -> Swap:
    cache = StageCache()

    def run(source: np.ndarray, target: np.ndarray, **params: object) -> PlanResult:
        files = {}
        for role, picture in (("source", source), ("target", target)):
            files[role] = tmp_path / f"{role}.png"
            Image.fromarray(picture).save(files[role])
        given = FaceSwapParams.model_validate({"consent": True, "format": "png", **params})
        reporter = SimpleNamespace(
            report=lambda *_: None, check=lambda: None, report_progress_image=lambda _picture: None
        )
        context = StageContext(given, files, tmp_path, network_provider=models)
        return Runner(cache=cache).run(get_plan(Kind.FACE_SWAP, Engine.MODELS), context, reporter)

    return run


def result(finished: PlanResult) -> np.ndarray:
    with Image.open(next(each.path for each in finished.files if each.name == "result")) as image:
        return np.asarray(image)


def test_only_the_chosen_faces_change(swap: Swap, models: ModelManager) -> None:
    target = scene(64, 320, 520)
    finished = swap(scene(200), target, faces="all")
    with models.use(FACE_ANALYSER) as networks:
        found = networks[FACE_ANALYSER].analyse(target)
    assert len(found) == len(finished.objects) == 3
    away = np.all([face_mask(face.landmarks, *target.shape[:2]) == 0 for face in found], axis=0)
    changed = (result(finished) != target).any(-1)
    assert not changed[away].any()
    for face in found:
        x, y = face.landmarks[2].round().astype(int)
        assert changed[y - 5 : y + 5, x - 5 : x + 5].all()
    assert {used.id for used in finished.models} == {"buffalo-l", "inswapper-128", "safety-checker"}


def test_other_faces_are_kept_and_listed_as_kept(swap: Swap) -> None:
    target = scene(64, 320)
    finished = swap(scene(200), target, faces="1")
    assert [each.kept for each in finished.objects] == [True, False]
    assert np.array_equal(result(finished)[:, :200], target[:, :200])


def test_the_identity_decides_the_result(swap: Swap) -> None:
    target = scene(320)
    one, other = (result(swap(scene(200, colour=colour), target)) for colour in ((255, 0, 0), (255, 0, 30)))
    assert (one != other).any()


def test_several_source_faces_need_a_choice(swap: Swap) -> None:
    with pytest.raises(DarkroomError) as raised:
        swap(scene(64, 320), scene(320))
    assert raised.value.detail.code is ErrorCode.SEVERAL_FACES
    assert result(swap(scene(64, 320), scene(320), source_face=1)).shape == (480, 640, 3)


@pytest.mark.parametrize(("source", "target", "named"), [((), (64,), "source"), ((64,), (), "target")])
def test_a_picture_without_a_face_is_named_in_the_error(
    swap: Swap, source: tuple[int, ...], target: tuple[int, ...], named: str
) -> None:
    with pytest.raises(DarkroomError) as raised:
        swap(scene(*source), scene(*target))
    assert raised.value.detail.code is ErrorCode.NO_FACE
    assert f"in the {named} picture" in str(raised.value)


def test_another_choice_of_faces_uses_the_cached_detection(swap: Swap) -> None:
    swap(scene(200), scene(64, 320), faces="0")
    again = swap(scene(200), scene(64, 320), faces="1")
    assert {time.stage: time.cached for time in again.timeline}["detect"]
    assert {used.id for used in again.models} == {"buffalo-l", "inswapper-128", "safety-checker"}


def test_an_enlarged_face_adds_a_note(swap: Swap) -> None:
    target = np.asarray(Image.fromarray(scene(320)).resize((2560, 1920), Image.Resampling.NEAREST))
    assert any("soft" in note for note in swap(scene(200), target).notes)
    assert not any("soft" in note for note in swap(scene(200), scene(320)).notes)


def test_an_unsafe_result_is_rejected(swap: Swap, models: ModelManager, monkeypatch: pytest.MonkeyPatch) -> None:
    with models.use(SAFETY) as networks:
        monkeypatch.setattr(type(networks[SAFETY]), "unsafe", lambda _self, _picture: True)
    with pytest.raises(DarkroomError) as raised:
        swap(scene(200), scene(320))
    assert raised.value.detail.code is ErrorCode.REJECTED_CONTENT


@pytest.mark.parametrize("network", [FACE_ANALYSER, FACE_SWAPPER])
def test_face_networks_need_the_accepted_research_licence(tiny_weights: Path, network: object) -> None:
    models = ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"))
    for refuse in (lambda: models.check_weights([network]), lambda: models.use(network).__enter__()):
        with pytest.raises(DarkroomError) as raised:
            refuse()
        assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
        assert LICENSED in str(raised.value)
        assert "non-commercial research only" in str(raised.value)
    models.check_weights([SAFETY])


def test_a_file_that_is_no_network_is_rejected_in_one_line(tmp_path: Path) -> None:
    weight_store, swapper = WeightStore(tmp_path), catalog()["inswapper-128"]
    (tmp_path / swapper.id).mkdir()
    (tmp_path / swapper.id / swapper.files[0]).write_bytes(b"not a graph")
    weight_store.record(swapper, "random")
    with (
        pytest.raises(DarkroomError) as raised,
        ModelManager(weight_store, Placement.for_device("cpu"), accept_research_licence=True).use(FACE_SWAPPER),
    ):
        pass
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "inswapper_128.onnx was not loaded" in str(raised.value)


def test_loading_the_swapper_keeps_the_output_of_other_threads(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make = faces._session

    def session(file: Path, providers: Sequence[str]) -> object:
        sys.stdout.write("another job's metric\n")
        return make(file, providers)

    monkeypatch.setattr(faces, "_session", session)
    with ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"), accept_research_licence=True).use(
        FACE_SWAPPER
    ):
        assert capsys.readouterr().out == "another job's metric\n"


def test_a_face_with_collinear_landmarks_is_dropped(
    swap: Swap, models: ModelManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    with models.use(FACE_ANALYSER) as networks:
        detector = networks[FACE_ANALYSER].session.detector
    detect = detector.detect

    def in_profile(picture: np.ndarray, **options: object) -> tuple[np.ndarray, np.ndarray]:
        boxes, points = detect(picture, **options)
        points[:, :, 0] = 300
        return boxes, points

    monkeypatch.setattr(detector, "detect", in_profile)
    with pytest.raises(DarkroomError) as raised:
        swap(scene(200), scene(64))
    assert raised.value.detail.code is ErrorCode.NO_FACE


GPU = ("CUDAExecutionProvider", "CPUExecutionProvider")


@pytest.fixture
def cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime as it is if its CUDA provider lacks a library: it goes on with the CPU, and names both."""
    monkeypatch.setattr(faces, "preload", lambda _names: None)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*GPU])
    make = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda file, options, providers: make(file, options, [GPU[1] for _ in providers][:1]),
    )


@pytest.mark.usefixtures("cpu_only")
def test_a_session_on_the_cpu_is_refused_if_the_gpu_is_required(tiny_weights: Path) -> None:
    file = tiny_weights / "inswapper-128" / "inswapper_128.onnx"
    with pytest.raises(DarkroomError, match=r"inswapper_128\.onnx was not loaded: .*CPUExecutionProvider") as raised:
        faces._session(file, GPU[:1])
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


@pytest.mark.usefixtures("cpu_only")
def test_a_session_on_the_cpu_is_logged_if_the_gpu_is_not_required(
    tiny_weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = faces._session(tiny_weights / "inswapper-128" / "inswapper_128.onnx", GPU)
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert "inswapper_128.onnx: ONNX Runtime would compute it by CPUExecutionProvider" in caplog.text


class Exhausted(Exception):
    """As ONNX Runtime raises it: none of its errors has a class of its own for this."""

    def __init__(self) -> None:
        super().__init__("[ONNXRuntimeError] : 6 : bfc_arena.cc:376 Failed to allocate memory for requested buffer")


def test_out_of_memory_once_finds_faces_at_half_the_size(
    swap: Swap, models: ModelManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []
    analyse = faces.InsightFaceAnalyser.analyse

    def run_out(self: faces.InsightFaceAnalyser, photo: np.ndarray, side: int) -> Sequence[object]:
        sides.append(side)
        if side == 640:
            raise Exhausted
        return analyse(self, photo, side)

    monkeypatch.setattr(faces.InsightFaceAnalyser, "analyse", run_out)
    # Larger squares, as half the size sees faces of twice the pixels.
    large = np.kron(scene(80, width=320, height=240), np.ones((2, 2, 1), np.uint8))
    large[300:380, 160:240] = (255, 0, 0)
    finished = swap(large, large)
    assert sides == [640, 320, 320]
    assert HALF_SIZE_NOTE in finished.notes


def test_out_of_memory_once_swaps_again_and_twice_fails_the_job(swap: Swap, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = result(swap(scene(200), scene(320)))
    failures = [Exhausted()]
    swap_one = faces.InSwapper.swap

    def run_out(self: faces.InSwapper, *given: object) -> object:
        if failures:
            raise failures.pop()
        return swap_one(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(faces.InSwapper, "swap", run_out)
    np.testing.assert_array_equal(result(swap(scene(200), scene(320))), expected)
    failures += [Exhausted(), Exhausted()]
    with pytest.raises(DarkroomError) as raised:
        swap(scene(200), scene(320))
    assert (raised.value.detail.code, raised.value.detail.retryable) == (ErrorCode.OUT_OF_MEMORY, True)
