"""Test configuration: workers, skips without the models engine, and tiny random weights of every model."""

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# Several workers share the cores: torch with a thread for each core in every worker would wait for itself.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Under `nohup`, SIGHUP is ignored, and so it would be by the processes that tests start and end with it. They do not
# inherit a handler: this one ignores it here alone.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda _signal, _frame: None)

# A slow machine must not fail a property: no example has a deadline. CI keeps hypothesis's own profile otherwise.
settings.register_profile("darkroom", settings.default, deadline=None)
# For `make test-fast`.
settings.register_profile("fast", settings.get_profile("darkroom"), max_examples=20)
settings.load_profile("darkroom")

TESTS = Path(__file__).parent
# Folders whose files share what takes long to start, a local stack or the CDK: each runs in one worker.
TOGETHER = ("e2e", "studio", "infra")
# So that no worker is left with a long one in the end.
LONGEST_FIRST = (*TOGETHER, "chaos", "containers", "bench", "pipeline/models", "pipeline")
# What `--fast` leaves out: what needs torch, a local stack, the CDK, Node or a browser, and what takes long.
SLOW = (
    "bench",
    "chaos/test_chaos.py",
    "clients",
    "containers/models",
    "containers/test_instance.py",
    "containers/test_intermediates.py",
    "containers/test_main.py",
    "containers/test_server.py",
    "darkroom/cli/test_interrupt.py",
    "darkroom/cli/test_termination.py",
    "darkroom/cli/test_unwritable_output.py",
    "darkroom/cli/test_videos.py",
    "e2e",
    "handlers/test_api.py",
    "handlers/test_assets.py",
    "handlers/test_cold_start.py",
    "handlers/test_finished.py",
    "handlers/test_guard.py",
    "handlers/test_job_store_lifecycle.py",
    "handlers/test_limits.py",
    "handlers/test_prompts.py",
    "handlers/test_rerun.py",
    "handlers/test_result_cache.py",
    "handlers/test_rows_from_the_future.py",
    "handlers/test_videos.py",
    "infra",
    "pipeline/core/test_best_effort.py",
    "pipeline/imaging/test_object_labels.py",
    "pipeline/models",
    "pipeline/preview",
    "pipeline/scenes/test_render_scenes.py",
    "pipeline/scenes/test_retry.py",
    "pipeline/speech/test_espeak.py",
    "pipeline/video/test_loudness.py",
    "pipeline/video/test_mix.py",
    "recorded",
    "studio",
    "test_new_kind.py",
)
# What `make setup-models` adds and tests import.
MODELS_LIBRARIES = (
    "accelerate",
    "diffusers",
    "faster_whisper",
    "huggingface_hub",
    "insightface",
    "onnx",
    "onnxruntime",
    "peft",
    "safetensors",
    "spandrel",
    "tokenizers",
    "torch",
    "torchvision",
    "transformers",
    "ultralytics",
)


AWS_CALLS = pytest.StashKey[set[tuple[str, str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[AWS_CALLS] = set()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out slow tests, and those that need torch or a stack")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # Not deselected by a marker: to read the marker, pytest would import the file, and with it torch.
    slow = config.getoption("fast") and any(collection_path == TESTS / path for path in SLOW)
    return True if slow else None


def skip_reason(error: BaseException | None) -> str | None:
    """Return why a test is skipped, if ``error`` means that the models engine is not installed; else None.

    CI installs it, so nothing is skipped there.
    """
    if not isinstance(error, ModuleNotFoundError) or "CI" in os.environ:
        return None
    library = (error.name or "").partition(".")[0]
    if library not in MODELS_LIBRARIES or find_spec(library) is not None:
        return None
    return f"needs make setup-models: {library} is not installed"


@contextmanager
def skip_without_models() -> Iterator[None]:
    """Skip the test if it needs a library of the models engine that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if reason := skip_reason(error):
            pytest.skip(reason)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip test files that import a library of the models engine which is not installed."""
    report = yield
    call: pytest.CallInfo[object] | None = getattr(report, "call", None)
    error = call.excinfo.value if call is not None and call.excinfo is not None else None
    # pytest raises an error of its own from that of the import.
    if error is not None and (reason := skip_reason(error.__cause__)):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"Skipped: {reason}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    with skip_without_models():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    with skip_without_models():
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    # Hardly anything of what collecting imports is garbage: a tenth of its time went into looking for some.
    gc.disable()


def pytest_collection_finish() -> None:
    # What was imported so far stays: a fifth of the time of tests/pipeline/models went into visiting it.
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a whole run in which a recorded AWS call was not made: a right that it alone needs must go."""
    recorder = sys.modules.get("tests.aws_calls")
    if recorder is not None:
        session.config.stash[AWS_CALLS] |= recorder.calls_of_this_process()
    made = session.config.stash[AWS_CALLS]
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["aws_calls"] = sorted(made)
    elif session.exitstatus == pytest.ExitCode.OK and _runs_every_call(session.config):
        from tests.aws_calls import COMMAND, read_record  # noqa: PLC0415 - it imports botocore

        if unused := sorted(read_record() - made):
            reporter = session.config.pluginmanager.get_plugin("terminalreporter")
            reporter.write_line("")
            for caller, action, resource in unused:
                reporter.write_line(f"no test lets {caller} call {action} on {resource}: run {COMMAND}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    calls = getattr(node, "workeroutput", {}).get("aws_calls", [])
    node.config.stash[AWS_CALLS] |= {tuple(call) for call in calls}


def _runs_every_call(config: pytest.Config) -> bool:
    """Return True if the whole folders run in which functions and container make AWS calls."""
    paths = [Path(argument).resolve() for argument in config.args]
    folders = [TESTS / name for name in ("handlers", "containers", "recorded")]
    chosen = any(
        config.getoption(name, None)
        for name in ("keyword", "markexpr", "deselect", "ignore", "lf", "fast", "collectonly")
    )
    whole = all(any(folder.is_relative_to(path) for path in paths) for folder in folders)
    return whole and not chosen and "RECORD_AWS_CALLS" not in os.environ and find_spec("torch") is not None


def pytest_unconfigure() -> None:
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def position(item: pytest.Item) -> int:
        path = item.path.relative_to(TESTS)
        matches = (place for place, folder in enumerate(LONGEST_FIRST) if path.is_relative_to(folder))
        return next(matches, len(LONGEST_FIRST))

    items.sort(key=position)


class FolderScheduling(LoadFileScheduling):
    """``--dist loadfile``, but for the folders that go to one worker whole."""

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.split("/")[1]
        return folder if folder in TOGETHER else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling | None:
    return FolderScheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder as ``darkroom models fetch`` leaves it, written once for all workers of the test run."""
    from bench.random_weights import Scale, write_weights  # noqa: PLC0415 - most tests need no weights

    ours = tmp_path_factory.getbasetemp()
    folder = (ours if worker_id == "master" else ours.parent) / "tiny-weights"
    written = folder / "written"
    with FileLock(f"{folder}.lock"):
        if not written.exists():
            write_weights(folder, Scale.TINY)
            written.touch()
    return folder
