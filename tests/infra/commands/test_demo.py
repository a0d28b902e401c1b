"""Demo of each kind: starts the whole service, uses it once, stops it, and writes a sheet."""

import io
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from darkroom.cli import app
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS
from infra.commands.comparison_sheet import GAP, HEIGHT, details, marked, side_by_side
from tests.darkroom.fake_service import Service
from tests.darkroom.jobs import RESULT, completed
from tests.darkroom.stub_runtime import put, state_of


def demo(*words: object) -> Result:
    return CliRunner().invoke(app, ["demo", *map(str, words)])


def encoded(size: tuple[int, int], form: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "#405060").save(buffer, form)
    return buffer.getvalue()


def test_demo_saves_both_pictures_and_leaves_nothing_running(
    runtime: Path, folder: Path, service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, 1001, state_of(service))  # a stack of the user's, not to be touched
    data = photo.read_bytes()
    monkeypatch.setattr("tests.darkroom.fake_service.RESULT", data)
    service.story = [completed(4, f"{service.url}/results/result.jpg", data=data)]
    result = demo("--style", "industrial")
    assert result.exit_code == 0, result.output
    assert Path("out/demo/result.jpg").read_bytes() == data
    with Image.open("out/demo/before_after.png") as sheet:
        assert sheet.width > sheet.height
    for words in ("out/demo/result.jpg", "out/demo/before_after.png", "make demo STYLE="):
        assert words in result.stdout
    assert runtime.read_text().split() == ["up", "down"]
    assert [path.name for path in (folder / ".darkroom").iterdir()] == ["1001"]


def test_demo_on_wrong_usage_starts_nothing(runtime: Path) -> None:
    assert demo("--style", "x").exit_code == 2
    assert demo("no.jpg").exit_code == 2
    assert not runtime.exists()
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("kind", "roles", "sheet"),
    [
        ("inpaint", ("photo", "mask"), "filled.png"),
        ("face_swap", ("source", "target"), "swapped.png"),
        ("upscale", ("photo",), "detail.png"),
        ("find_objects", ("photo",), "found.png"),
    ],
)
def test_each_kind_has_samples_a_sheet_and_words_of_its_own(
    runtime: Path, service: Service, monkeypatch: pytest.MonkeyPatch, kind: str, roles: Sequence[str], sheet: str
) -> None:
    data = encoded((1280, 960), "PNG")
    monkeypatch.setattr("tests.darkroom.fake_service.RESULT", data)
    url = f"{service.url}/results/result.png"
    service.story = [completed(4, url, data=data, content_type="image/png", kind=kind)]
    result = demo("--kind", kind)
    assert result.exit_code == 0, result.output
    assert Path("out/demo/result.png").read_bytes() == data
    assert Path("out/demo", sheet).exists()
    assert sorted(upload["key"].decode() for upload in service.uploads) == sorted(f"uploads/a/{role}" for role in roles)
    for words in (f"out/demo/{sheet}", f"make demo KIND={kind}", f"darkroom run {kind} "):
        assert words in result.stdout
    assert runtime.read_text().split() == ["up", "down"]


def test_a_sheet_that_cannot_be_drawn_leaves_the_demo_its_result(runtime: Path, service: Service) -> None:
    # The fake's usual result is no picture.
    service.story = [completed(4, f"{service.url}/results/result.jpg", kind="find_objects")]
    result = demo("--kind", "find_objects")
    assert result.exit_code == 0, result.output
    assert Path("out/demo/result.jpg").read_bytes() == RESULT
    assert "none: it could not be drawn" in result.stdout
    assert not Path("out/demo/found.png").exists()


def test_what_no_preview_can_do_says_what_it_needs(runtime: Path) -> None:
    for definition in KINDS.values():
        assert (Engine.PREVIEW in definition.engines) is (definition.demo is not None)
    result = demo("--kind", "generate")
    assert result.exit_code == 1
    for words in ("generate needs the models engine", "make setup-models", "darkroom models fetch --kind generate"):
        assert words in result.stderr
    assert not runtime.exists()


def test_pictures_of_ones_own_are_those_of_the_kind_and_come_with_consent(
    runtime: Path, service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = ("--source", photo, "--target", photo)
    for words, said in [
        (("--kind", "inpaint", photo), "--mask"),
        (("--kind", "upscale", photo, "--mask", photo), "upscale takes PHOTO"),
        (("--kind", "upscale", "--style", "boho"), "--style"),
        (("--kind", "face_swap", *pair), "CONSENT=yes"),
    ]:
        result = demo(*words)
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert not runtime.exists()
    data = photo.read_bytes()
    monkeypatch.setattr("tests.darkroom.fake_service.RESULT", data)
    service.story = [completed(4, f"{service.url}/results/result.jpg", data=data)]
    assert demo("--kind", "face_swap", *pair, "--consent").exit_code == 0
    assert {upload["file"] for upload in service.uploads} == {data}


def test_the_samples_are_those_that_the_tests_know() -> None:
    samples = [name for definition in KINDS.values() if definition.demo for name in definition.demo.files.values()]
    for name in {each for each in samples if isinstance(each, str)}:
        known = Path(__file__).parents[2] / "data" / name
        assert (files("infra.commands") / "samples" / name).read_bytes() == known.read_bytes()


def test_a_sheet_shows_all_at_one_height_under_labels_that_fit(tmp_path: Path) -> None:
    wide, tall = Image.new("RGB", (2000, 1000), "red"), Image.new("RGB", (100, 1000), "blue")
    path = side_by_side([("wide", wide), ("a label much longer than its picture", tall)], tmp_path / "sheet.png")
    with Image.open(path) as sheet:
        assert sheet.width == 2 * HEIGHT + HEIGHT // 10 + 3 * GAP
        assert sheet.getpixel((GAP + 5, sheet.height - GAP - 5)) == (255, 0, 0)
        right = sheet.crop((sheet.width - GAP, 0, sheet.width, sheet.height))
        assert right.getextrema() == ((255, 255),) * 3


def test_the_mask_is_seen_where_it_is_white() -> None:
    mask = Image.new("L", (20, 10))
    mask.paste(255, (0, 0, 10, 10))
    shown = marked(Image.new("RGB", (40, 20), "black"), mask)
    assert shown.getpixel((35, 10)) == (0, 0, 0)
    assert shown.getpixel((5, 10)) != (0, 0, 0)


def test_a_detail_is_where_something_is_to_be_seen() -> None:
    small = Image.new("RGB", (400, 300), "white")
    small.paste(Image.effect_noise((40, 40), 200).convert("RGB"), (330, 20))
    large = small.resize((1600, 1200))
    shown = dict(details(small, large, large))
    assert list(shown) == ["bicubic", "darkroom", "the original"]
    assert len({picture.size for picture in shown.values()}) == 1
    for picture in shown.values():
        assert min(low for low, _ in picture.getextrema()) < 60
