"""Container images of both lanes: what is in them, and how large the cpu lane's is."""

import grimp
import pytest

from bench.image_size import MAX_MB, ImageSize, lock_digest
from tests.infra.template import Assembly
from tests.paths import ROOT

# Modules that a lane's process starts with, by the stack whose image has them.
STARTS = {
    "gpu": {"containers.gpu.__main__", "pipeline.decoding.child"},
    "core": {"containers.cpu.function", "pipeline.decoding.child"},
}


@pytest.mark.parametrize("stack", STARTS)
def test_the_image_is_built_with_a_manifest_that_sagemaker_and_lambda_accept(cloud: Assembly, stack: str) -> None:
    assert [image["dockerOutputs"] for image in cloud.images(stack)] == [["type=docker"]]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("darkroom", "pipeline", "cloud", "containers")


def imports_of(graph: grimp.ImportGraph, start: set[str]) -> set[str]:
    """Modules that ``start`` imports, directly or not, with the packages that they are in."""
    found, left = set(start), list(start)
    while left:
        name = left.pop()
        packages = {name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)}
        # The package's own init imports the SDK where a caller asks for it.
        imported = packages if name == "darkroom" else packages | graph.find_modules_directly_imported_by(name)
        left += imported - found
        found |= imported
    return found


def file_of(module: str) -> str:
    path = module.replace(".", "/")
    return f"{path}.py" if (ROOT / f"{path}.py").is_file() else f"{path}/__init__.py"


@pytest.mark.parametrize(("stack", "start"), STARTS.items())
def test_the_image_holds_what_the_container_imports_and_no_more(
    cloud: Assembly, graph: grimp.ImportGraph, stack: str, start: set[str]
) -> None:
    copied = {path for path in cloud.image_files(stack) if path.endswith(".py")}
    needed = {file_of(module) for module in imports_of(graph, start)}
    assert needed - copied == set()
    # The models engine loads its networks by name, so all of pipeline/ is copied.
    built_with = {"containers/cpu/unused_packages.py"}
    assert {path for path in copied - needed - built_with if not path.startswith("pipeline/")} == set()


def test_the_cpu_lanes_image_is_for_lambda_on_arm(cloud: Assembly) -> None:
    ((image,), (function,)) = (
        cloud.images("core"),
        [
            each["Properties"]
            for _, each in cloud["core"].of_type("Lambda::Function")
            if "ImageUri" in each["Properties"]["Code"]
        ],
    )
    assert image["platform"] == "linux/arm64"
    assert image["dockerFile"] == "containers/cpu/Dockerfile"
    assert (function["PackageType"], function["Architectures"]) == ("Image", ["arm64"])


def test_the_cpu_lanes_image_is_small_on_both_platforms() -> None:
    size = ImageSize.read()
    assert size.lock == lock_digest(), "run `python -m bench.image_size`"
    assert {name: megabytes for name, megabytes in size.total_mb.items() if megabytes >= MAX_MB[name]} == {}
    assert set(size.total_mb) == set(MAX_MB)


def test_the_cpu_lanes_image_has_no_torch() -> None:
    lock = (ROOT / "requirements-cpu.lock").read_text("utf-8")
    assert "torch" not in lock and "nvidia" not in lock
