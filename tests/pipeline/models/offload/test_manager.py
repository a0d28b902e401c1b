"""The model manager: which weights it loads, and what it says of them."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.networks import Network
from pipeline.models.network_registry import DEPTH_ESTIMATOR, SAFETY
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.catalog import choose_models
from pipeline.weights.store import Weights, WeightStore
from tests.pipeline.models.offload.fake_networks import History, manager, touch


def test_a_network_may_be_made_of_several_models(shelf: WeightStore, history: History) -> None:
    pair = history.network("pair", 10, "control_depth", "control_edges")
    models = manager(shelf)
    touch(models, pair)
    assert [used.id for used in models.models_used([pair])] == ["control-depth", "control-canny"]
    assert {used.revision for used in models.models_used([pair])} == {"r1"}


def test_every_move_is_logged_with_its_size(
    shelf: WeightStore, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    a, b = (history.network(name, 60, "detector") for name in "ab")
    touch(manager(shelf, host_budget=0), a, b)
    said = [message.partition(":")[0] for message in caplog.messages]
    assert said == ["loaded a", "moved to the device a", "loaded b", "dropped a", "moved to the device b"]
    assert all("60 MB in" in message for message in caplog.messages)


def test_missing_weights_name_the_file_and_what_mends_it(shelf: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    (model,) = choose_models(("detector",), {})
    (shelf.folder / model.id / model.files[0]).unlink()
    models = manager(shelf)
    for attempt in (lambda: models.check_weights([eye]), lambda: touch(models, eye)):
        with pytest.raises(DarkroomError, match=f"{model.files[0]} is missing.*darkroom models fetch") as error:
            attempt()
        assert error.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_the_operator_chooses_the_model_of_a_role(shelf: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    default, chosen = manager(shelf), manager(shelf, choices={"detector": "rt-detr-r18"})
    assert [used.id for used in chosen.models_used([eye])] == ["rt-detr-r18"]
    assert default.digest([eye]) != chosen.digest([eye])
    with pytest.raises(ValueError, match="rt-detr-r18"):
        manager(shelf, choices={"detector": "sd15"})


def test_the_digest_changes_with_the_files_and_with_nothing_else(shelf: WeightStore, history: History) -> None:
    eye, depth = history.network("eye", 10, "detector"), history.network("depth", 10, "depth")
    models = manager(shelf)
    before = models.digest([eye]), models.digest([depth])
    touch(models, eye)
    (model,) = choose_models(("detector",), {})
    (shelf.folder / model.id / model.files[0]).write_bytes(b"trained a little longer")
    shelf.record(model, "r1")
    assert models.digest([eye]) != before[0]
    assert models.digest([depth]) == before[1]


def test_the_working_size_follows_from_the_budget_unless_it_is_given(shelf: WeightStore) -> None:
    assert [manager(shelf, budget=size).long_side for size in (4_000, 14_000, 70_000)] == [512, 768, 1024]
    assert manager(shelf, budget=None).long_side == 768
    assert manager(shelf, long_side=256).long_side == 256


def test_a_torch_network_loaded_while_computing_can_still_be_moved(shelf: WeightStore, history: History) -> None:
    def load(_weights: Mapping[str, Weights], placement: Placement) -> TorchNetwork:
        return TorchNetwork(placement, nn.Linear(4, 4))

    history.linear = load
    linear: Network[TorchNetwork] = Network("linear", ("detector",), f"{history.__name__}:linear")
    models = manager(shelf, budget=None)
    with torch.inference_mode(), models.use(linear) as held:
        (module,) = held[linear]._modules
        assert not module.weight.is_inference()
    with ExitStack() as nested:
        nested.enter_context(models.use(linear))
        nested.enter_context(models.use(linear))
        models.release_idle()
        assert held[linear].size() == 4 * (4 * 4 + 4)


def test_networks_that_came_back_answer_as_before(tiny_weights: Path, photo: Any) -> None:
    models = ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"))
    with models.use(DEPTH_ESTIMATOR, SAFETY) as held:
        before = held[DEPTH_ESTIMATOR].estimate(photo)
        largest = max(held[DEPTH_ESTIMATOR].size(), held[SAFETY].size())
    cramped = ModelManager(
        WeightStore(tiny_weights), Placement.for_device("cpu"), budget=largest, host_budget=2 * largest
    )
    for _ in range(2):
        with cramped.use(SAFETY) as held:
            assert held[SAFETY].unsafe(photo) in {True, False}
        with cramped.use(DEPTH_ESTIMATOR) as held:
            assert (held[DEPTH_ESTIMATOR].estimate(photo) == before).all()
