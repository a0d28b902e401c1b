"""Model manager: the weights that it loads, and their digest."""

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
from tests.pipeline.models.offload.fake_networks import History, manager, use_each


def test_a_network_may_use_several_models(weight_store: WeightStore, history: History) -> None:
    pair = history.network("pair", 10, "control_depth", "control_edges")
    models = manager(weight_store)
    use_each(models, pair)
    assert [used.id for used in models.models_used([pair])] == ["control-depth", "control-canny"]
    assert {used.revision for used in models.models_used([pair])} == {"r1"}


def test_every_move_is_logged_with_its_size(
    weight_store: WeightStore, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    a, b = (history.network(name, 60, "detector") for name in "ab")
    use_each(manager(weight_store, host_budget=0), a, b)
    messages = [message.partition(":")[0] for message in caplog.messages]
    assert messages == ["loaded a", "moved to the device a", "loaded b", "dropped a", "moved to the device b"]
    assert all("60 MB in" in message for message in caplog.messages)


def test_missing_weights_name_the_file_and_the_fetch_command(weight_store: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    (model,) = choose_models(("detector",), {})
    (weight_store.folder / model.id / model.files[0]).unlink()
    models = manager(weight_store)
    for attempt in (lambda: models.check_weights([eye]), lambda: use_each(models, eye)):
        with pytest.raises(DarkroomError, match=f"{model.files[0]} is missing.*darkroom models fetch") as error:
            attempt()
        assert error.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_the_operator_chooses_the_model_of_a_role(weight_store: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    default, chosen = manager(weight_store), manager(weight_store, choices={"detector": "rt-detr-r18"})
    assert [used.id for used in chosen.models_used([eye])] == ["rt-detr-r18"]
    assert default.digest([eye]) != chosen.digest([eye])
    with pytest.raises(ValueError, match="rt-detr-r18"):
        manager(weight_store, choices={"detector": "sd15"})


def test_the_digest_depends_on_the_files_only(weight_store: WeightStore, history: History) -> None:
    eye, depth = history.network("eye", 10, "detector"), history.network("depth", 10, "depth")
    models = manager(weight_store)
    before = models.digest([eye]), models.digest([depth])
    use_each(models, eye)
    (model,) = choose_models(("detector",), {})
    (weight_store.folder / model.id / model.files[0]).write_bytes(b"trained a little longer")
    weight_store.record(model, "r1")
    assert models.digest([eye]) != before[0]
    assert models.digest([depth]) == before[1]


def test_the_working_size_follows_the_budget_unless_set(weight_store: WeightStore) -> None:
    assert [manager(weight_store, budget=size).long_side for size in (4_000, 14_000, 70_000)] == [512, 768, 1024]
    assert manager(weight_store, budget=None).long_side == 768
    assert manager(weight_store, long_side=256).long_side == 256


def test_a_torch_network_loaded_while_computing_can_still_be_moved(weight_store: WeightStore, history: History) -> None:
    def load(_weights: Mapping[str, Weights], placement: Placement) -> TorchNetwork:
        return TorchNetwork(placement, nn.Linear(4, 4))

    history.linear = load
    linear: Network[TorchNetwork] = Network("linear", ("detector",), f"{history.__name__}:linear")
    models = manager(weight_store, budget=None)
    with torch.inference_mode(), models.use(linear) as networks:
        (module,) = networks[linear]._modules
        assert not module.weight.is_inference()
    with ExitStack() as nested:
        nested.enter_context(models.use(linear))
        nested.enter_context(models.use(linear))
        models.release_idle()
        assert networks[linear].size() == 4 * (4 * 4 + 4)


def test_reloaded_networks_give_equal_outputs(tiny_weights: Path, photo: Any) -> None:
    models = ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"))
    with models.use(DEPTH_ESTIMATOR, SAFETY) as networks:
        before = networks[DEPTH_ESTIMATOR].estimate(photo)
        largest = max(networks[DEPTH_ESTIMATOR].size(), networks[SAFETY].size())
    small_manager = ModelManager(
        WeightStore(tiny_weights), Placement.for_device("cpu"), budget=largest, host_budget=2 * largest
    )
    for _ in range(2):
        with small_manager.use(SAFETY) as networks:
            assert networks[SAFETY].unsafe(photo) in {True, False}
        with small_manager.use(DEPTH_ESTIMATOR) as networks:
            assert (networks[DEPTH_ESTIMATOR].estimate(photo) == before).all()
