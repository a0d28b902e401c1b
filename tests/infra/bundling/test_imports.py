"""Imports of functions and container: they are declared, and those of a function are no more than it needs."""

import re
import sys
import tomllib
from collections.abc import Collection, Iterable
from importlib.metadata import packages_distributions
from typing import Any

import grimp
import pytest

from infra.names import FUNCTIONS
from tests.paths import ROOT

OURS = ("darkroom", "cloud", "handlers", "containers", "pipeline")
CONTAINER_EXTRAS = ("container", "models", "yolo", "faces")
# pydantic pins its core, and documents what is imported of it.
DISTRIBUTIONS = {**packages_distributions(), "pydantic_core": ["pydantic"]}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OURS, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None)


def declared(requirements: Iterable[str]) -> set[str]:
    """Names of distributions in requirements, in their normal form."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[ \[<>=;]", each)[0]).lower() for each in requirements}


def imported(graph: grimp.ImportGraph, rooms: Collection[str]) -> set[str]:
    """Names of the distributions that the modules of some rooms import."""
    modules = {name for room in rooms for name in {room, *graph.find_descendants(room)}}
    external = {found.split(".")[0] for name in modules for found in graph.find_modules_directly_imported_by(name)} - {
        *OURS,
        *sys.stdlib_module_names,
    }
    # The models engine need not be installed here: its distributions are called as their modules.
    return declared(DISTRIBUTIONS.get(name, [name])[0] for name in external)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_layer_is_what_the_functions_import(graph: grimp.ImportGraph, project: dict[str, Any]) -> None:
    layer = declared(project["dependency-groups"]["handlers"])
    assert imported(graph, ("handlers", "cloud", "darkroom.contract")) == layer


def test_the_image_has_what_the_container_imports(graph: grimp.ImportGraph, project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    image = declared(
        [*project["project"]["dependencies"], *(name for extra in CONTAINER_EXTRAS for name in extras[extra])]
    )
    assert imported(graph, ("containers", "cloud", "pipeline", "darkroom.contract")) <= image


def test_the_cpu_lanes_image_has_what_its_function_imports(graph: grimp.ImportGraph) -> None:
    pinned = declared(re.findall(r"^[\w.-]+(?===)", (ROOT / "requirements-cpu.lock").read_text("utf-8"), re.MULTILINE))
    # The models engine is imported where a job asks for it, which this function is never given.
    parts = ("containers.cpu", "containers.worker", "cloud", "darkroom.contract")
    pipeline = {name for name in graph.find_children("pipeline") if name not in ("pipeline.models", "pipeline.weights")}
    needed = imported(graph, (*parts, *pipeline))
    functions_alone = {"aws-lambda-powertools"}
    assert needed - functions_alone <= pinned
    assert "awslambdaric" in pinned


@pytest.mark.parametrize("lock", ["requirements-handlers.lock", "requirements-container.lock", "requirements-cpu.lock"])
def test_none_has_boto3_whose_resources_and_transfers_nothing_uses(lock: str) -> None:
    pinned = declared(re.findall(r"^[\w.-]+(?===)", (ROOT / lock).read_text("utf-8"), re.MULTILINE))
    assert "botocore" in pinned
    assert not {"boto3", "s3transfer"} & pinned


def test_a_function_imports_its_own_settings_alone(graph: grimp.ImportGraph) -> None:
    shared = {"jobs", "retry", "lane", "prices"}
    for name in (*FUNCTIONS, "guard"):
        found = {
            each for each in graph.find_upstream_modules(f"handlers.{name}") if each.startswith("handlers.settings.")
        }
        assert {each.rsplit(".")[-1] for each in found} - shared == {name}


@pytest.mark.parametrize("name", ["authorize", "guard"])
def test_a_function_that_handles_no_job_builds_no_model_of_the_contract(graph: grimp.ImportGraph, name: str) -> None:
    assert not [
        each for each in graph.find_upstream_modules(f"handlers.{name}") if each.startswith("darkroom.contract")
    ]
