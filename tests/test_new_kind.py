"""A ninth kind and one more style, added to a copy of the project as CONTRIBUTING.md says: nothing else is wanting."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
NEW_KIND = Path(__file__).parent / "data" / "new_kind"
COPIED = (
    ".ci",
    "darkroom",
    "cloud",
    "pipeline",
    "handlers",
    "containers",
    "infra",
    "bench",
    "studio",
    "tests",
    "docs",
    "deployments",
)
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "__pycache__", "0.1.0")

PARAMS = '''

class DepthMapParams(Params):
    """How to show the distance of everything in a photo."""

    inverted: bool = Field(False, description="Far is bright.")
    format: Format = Field(Format.PNG, description="How the result is encoded.")
'''
ENTRY = """    Kind.DEPTH_MAP: KindDefinition(
        summary="Measure how far away everything in a photo is.",
        inputs="a photo",
        params=DepthMapParams,
        uploads=PhotoUploads,
        engines={
            Engine.MODELS: EngineSupport("Depth Anything V2", 5),
            Engine.PREVIEW: EngineSupport("height in the picture", 1),
        },
        rate="7/60",
        form=FormLayout(icon="find", visible=("inverted",)),
        demo=DemoSample(files={"photo": LIVING_ROOM}, sheet="depth.png", own="PHOTO=me.jpg", command="me.jpg"),
    ),
"""
CASES = """        case Kind.DEPTH_MAP, Engine.MODELS:
            from pipeline.models.workflows.depth_map import plan
        case Kind.DEPTH_MAP, Engine.PREVIEW:
            from pipeline.preview.workflows.depth_map import plan
"""
STYLE = """
[attic]
title = "Attic"
description = "Bare beams, old boards and one warm lamp."
translations.es = { title = "Buhardilla", description = "Vigas vistas, tablas viejas y una lámpara cálida." }
prompt = "attic interior design, exposed beams, old floor boards, warm lamp light"
palette = ["#8a6b4c", "#d9c6a5", "#3b2f26"]
wall = { material = "plaster", colours = ["#d9c6a5"] }
ceiling = { material = "planks", colours = ["#8a6b4c"] }
floor = { material = "planks", colours = ["#6d5138", "#8a6b4c"] }
wet_floor = { material = "tiles", colours = ["#8d8378"] }
"""
# Tests that go through every kind or style.
GENERIC_TESTS = (
    "tests/pipeline/test_plans.py",
    "tests/pipeline/weights/test_catalog.py",
    "tests/darkroom/contract/test_kinds.py",
    "tests/darkroom/contract/test_styles.py",
    "tests/handlers/test_budget.py",
    "tests/handlers/test_limits.py",
    "tests/handlers/test_openapi.py",
    "tests/handlers/test_asyncapi.py",
    "tests/handlers/test_error_codes.py",
    "tests/infra/commands/test_kinds_reference.py",
    "tests/test_documentation.py",
)
# `darkroom demo` twice. Its stack serves both, because a stack takes long to start.
DEMOS = """
from contextlib import nullcontext
from darkroom.cli.service import temporary_stack_client
from infra.commands import demo

with temporary_stack_client(print) as client:
    demo.temporary_stack_client = lambda _say: nullcontext(client)
    for option, value in (("--kind", "depth_map"), ("--style", "attic")):
        print(f"demo of {value}", flush=True)
        demo.app([option, value], standalone_mode=False)
        demo.FOLDER.rename(demo.FOLDER.with_name(value))
"""
STUDIO_TESTS = ("tests/messages", "tests/contract", "tests/compose/page-fields.test.tsx")


class Checkout:
    """Copy of the project. ``written`` holds the files that were changed or added by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: set[str] = set()
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy(path, folder)
        modules = ROOT / "studio" / "node_modules"
        if modules.exists():
            (folder / "studio" / "node_modules").symlink_to(modules)

    def add(self, name: str, text: str) -> None:
        """Add a file."""
        (self.folder / name).write_text(text, "utf-8")
        self.written.add(name)

    def change(self, name: str, *, before: str, insert: str) -> None:
        """Insert a text before the only occurrence of another one in a file."""
        text = (self.folder / name).read_text("utf-8")
        assert text.count(before) == 1, f"{name} has {text.count(before)} times: {before}"
        self.add(name, text.replace(before, insert + before))

    def append(self, name: str, text: str) -> None:
        """Append a text to a file."""
        self.add(name, (self.folder / name).read_text("utf-8") + text)

    def run(self, *command: str, folder: str = ".") -> str:
        """Run a command in the copy. Returns its output; fails the test if the exit status is not 0."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DARKROOM_"))}
        tools = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"  # Node is there, too
        environment = {**own, "PATH": tools, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            command,
            cwd=self.folder / folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}"
        return done.stdout

    def python(self, *arguments: str) -> str:
        """Run Python in the copy."""
        return self.run(sys.executable, *arguments)

    def darkroom(self, *arguments: str) -> str:
        """Run the ``darkroom`` command in the copy."""
        return self.python("-c", "from darkroom.cli import main; main()", *arguments)

    def renew_reference(self) -> None:
        """Do what ``make reference`` does."""
        self.python("-m", "handlers.http_api.openapi", "--write")
        self.python("-m", "handlers.http_api.errors_reference")
        self.python("-m", "handlers.websocket.asyncapi", "--write")
        self.python("-m", "infra.commands.kinds_reference")
        for module, function, page in (
            ("pipeline.plans", "plans_markdown", "plans.md"),
            ("pipeline.weights.catalog", "catalog_markdown", "models.md"),
        ):
            text = self.python("-c", f"from {module} import {function}; print({function}())")
            (self.folder / "docs" / page).write_text(text, "utf-8")


def add_kind(checkout: Checkout) -> None:
    """Write by hand what CONTRIBUTING.md lists under "Adding a kind"."""
    checkout.append("darkroom/contract/params.py", PARAMS)
    kinds = "darkroom/contract/kinds.py"
    checkout.change(kinds, before='    INPAINT = "inpaint"\n', insert='    DEPTH_MAP = "depth_map"\n')
    checkout.change(kinds, before="    Kind.INPAINT: KindDefinition(\n", insert=ENTRY)
    checkout.change(kinds, before="    FaceSwapParams,\n", insert="    DepthMapParams,\n")
    for engine in ("preview", "models"):
        source = (NEW_KIND / f"{engine}_workflow.py").read_text("utf-8")
        checkout.add(f"pipeline/{engine}/workflows/depth_map.py", source)
    checkout.change("pipeline/plans.py", before="        case Kind.INPAINT, Engine.MODELS:\n", insert=CASES)
    models = "pipeline/weights/models.toml"
    before, entry, after = (checkout.folder / models).read_text("utf-8").partition("[depth-anything-v2-small]\n")
    checkout.add(models, before + entry + after.replace("kinds = [", 'kinds = ["depth_map", ', 1))
    words = json.loads((NEW_KIND / "words.json").read_text("utf-8"))
    for language in ("en", "es"):
        name = f"studio/src/messages/{language}/kinds.json"
        known = json.loads((checkout.folder / name).read_text("utf-8"))
        text = json.dumps({**known, "depth_map": words[language]}, indent=2, ensure_ascii=False)
        checkout.add(name, text + "\n")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the project with the kind and the style."""
    found = Checkout(tmp_path_factory.mktemp("checkout"))
    add_kind(found)
    assert len(found.written) <= 8, sorted(found.written)
    found.written.clear()
    found.append("darkroom/contract/styles.toml", STYLE)
    assert len(found.written) == 1
    found.renew_reference()
    return found


@pytest.fixture(scope="module")
def demos(checkout: Checkout) -> str:
    """The output of the demos, whose files are in ``out/depth_map`` and ``out/attic``."""
    return checkout.python("-c", DEMOS)


def test_every_test_that_goes_through_the_kinds_and_styles_passes(checkout: Checkout) -> None:
    checkout.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *GENERIC_TESTS)


def test_the_command_and_the_api_offer_the_kind(checkout: Checkout) -> None:
    help_text = checkout.darkroom("run", "depth_map", "--help")
    assert "Measure how far away everything in a photo is." in help_text
    assert "--inverted" in help_text
    document = json.loads((checkout.folder / "handlers" / "http_api" / "openapi.json").read_text("utf-8"))
    assert "depth_map" in document["components"]["schemas"]["Kind"]["enum"]
    assert document["components"]["schemas"]["DepthMapRequest"]["x-form"]["visible"] == ["inverted"]


def test_the_demo_makes_it_end_to_end(checkout: Checkout, demos: str) -> None:
    output, _, _ = demos.partition("demo of attic")
    assert "preview engine" in output
    folder = checkout.folder / "out" / "depth_map"
    with Image.open(folder / "result.png") as result:
        grey = result.convert("L")
        assert grey.getpixel((5, 5)) < grey.getpixel((5, grey.height - 5))  # type: ignore[operator] # one channel
    assert (folder / "depth.png").exists()


def test_the_style_is_offered_and_restyles_a_room(checkout: Checkout, demos: str) -> None:
    assert "Bare beams, old boards and one warm lamp." in checkout.darkroom("styles")
    with Image.open(checkout.folder / "out" / "attic" / "result.jpg") as result:
        assert min(result.size) > 100


@pytest.mark.skipif(not (ROOT / "studio" / "node_modules").exists(), reason="needs make setup-web")
def test_the_studio_has_a_form_and_words_for_the_kind(checkout: Checkout) -> None:
    for command in (("npm", "run", "schema"), ("npx", "tsc", "--noEmit"), ("npx", "vitest", "run", *STUDIO_TESTS)):
        checkout.run(*command, folder="studio")
