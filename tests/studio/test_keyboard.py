"""Keyboard operation: this file uses no pointer."""

from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.studio.visitor import await_result, download, slider

_STOPS = 120


def _tab_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press Tab until the focus is on ``wanted``."""
    expect(wanted).to_be_visible()
    for _ in range(_STOPS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"no Tab leads to {wanted}")


def _press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    _tab_to(page, wanted)
    page.keyboard.press(key)


def _choose(page: Page, photo: Path) -> None:
    with page.expect_file_chooser() as chooser:
        _press(page, page.get_by_role("button", name="Choose a photo"))
    chooser.value.set_files(photo)


def test_a_room_is_restyled(page: Page, sample: Path) -> None:
    page.goto("/")
    _press(page, page.get_by_role("button", name="Continue as"))
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.evaluate("document.activeElement?.blur?.()")
    _press(page, page.get_by_role("link", name="Skip to the content"))
    _choose(page, sample)
    expect(page.get_by_role("img", name="Chosen")).to_be_visible()
    _tab_to(page, page.get_by_role("radio", name="Modern"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Scandinavian")).to_be_checked()
    _press(page, page.get_by_role("button", name="Restyle as Scandinavian"))
    await_result(page)
    _tab_to(page, slider(page))
    before = float(slider(page).input_value())
    page.keyboard.press("ArrowLeft")
    assert float(slider(page).input_value()) < before
    _press(page, page.get_by_role("button", name="Full size"))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("+")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Full size")).to_be_focused()


def test_a_rectangle_is_filled(page: Page, sample: Path, tmp_path: Path) -> None:
    page.goto("/make/inpaint")
    _press(page, page.get_by_role("button", name="Continue as"))
    _choose(page, sample)
    stage = page.get_by_role("application", name="The photo to paint on")
    _tab_to(page, stage)
    page.keyboard.press("r")
    expect(page.get_by_role("radio", name="Rectangle")).to_be_checked()
    _tab_to(page, stage)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("of the photo is painted")).to_be_visible()
    _press(page, page.get_by_role("button", name="Fill what is painted"))
    await_result(page)
    with Image.open(sample) as before, Image.open(download(page, tmp_path)) as after:
        changed = (np.asarray(before.convert("RGB")) != np.asarray(after.convert("RGB"))).any(axis=2)
    assert 0 < changed.mean() < 0.5
