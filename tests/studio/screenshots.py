"""Screenshots of ``docs/studio/``: ``python -m tests.studio.screenshots``, while ``darkroom up --open`` runs."""

import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from infra.local.cli import DEFAULT_PORT, folder_of
from infra.local.state import StackState
from infra.local.studio import launch
from tests.studio.conftest import BROWSERS
from tests.studio.visitor import await_result

FOLDER = Path(__file__).parents[2] / "docs" / "studio"
SAMPLE = Path(__file__).parents[1] / "data" / "living_room.jpg"
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 780}


def _shoot(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.jpg", type="jpeg", quality=82, animations="disabled")


def _open(browser: Browser, link: str, path: str, viewport: ViewportSize, *, dark: bool = False) -> Page:
    page = browser.new_page(
        viewport=viewport,
        locale="en-US",
        color_scheme="dark" if dark else "light",
        has_touch=viewport is PHONE,
        is_mobile=viewport is PHONE,
    )
    page.goto(urlsplit(link)._replace(path=path).geturl())
    page.get_by_role("button", name="Continue as").click()
    return page


def _choose(page: Page, photo: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a photo").first.click()
    chooser.value.set_files(photo)


def _restyle(browser: Browser, link: str) -> None:
    page = _open(browser, link, "/make/restyle_room", DESKTOP)
    _choose(page, SAMPLE)
    page.get_by_role("button", name="Find things in the photo").click()
    things = page.get_by_role("checkbox", name="thing")
    expect(things.first).to_be_visible(timeout=60_000)
    things.first.check()
    page.get_by_role("radio", name="Japandi").check()
    page.get_by_role("button", name="Another seed by chance").click()  # the same job again would be done at once
    page.evaluate("scrollTo(0, 0)")
    _shoot(page, "compose")
    page.get_by_role("button", name="Restyle as Japandi").click()
    expect(page.get_by_role("progressbar", name="Laying the new floor")).to_be_visible(timeout=60_000)
    _shoot(page, "developing")
    await_result(page)
    page.wait_for_timeout(1_500)  # the reveal
    _shoot(page, "result")
    page.close()


def _inpaint(browser: Browser, link: str) -> None:
    page = _open(browser, link, "/make/inpaint", DESKTOP, dark=True)
    _choose(page, SAMPLE)
    stage = page.get_by_role("application")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    left, top, width, height = box["x"], box["y"], box["width"], box["height"]
    page.mouse.move(left + 0.7 * width, top + 0.34 * height)
    page.mouse.down()
    for across, down in ((0.73, 0.3), (0.75, 0.36), (0.72, 0.4), (0.73, 0.6)):
        page.mouse.move(left + across * width, top + down * height, steps=6)
    page.mouse.up()
    _shoot(page, "inpaint")
    page.close()


def _phone(browser: Browser, link: str) -> None:
    page = _open(browser, link, "/make/restyle_room", PHONE, dark=True)
    _choose(page, SAMPLE)
    page.get_by_role("radio", name="Boho").check()
    page.get_by_role("button", name="Another seed by chance").click()
    page.get_by_role("button", name="Restyle as Boho").click()
    await_result(page)
    page.wait_for_timeout(1_500)
    _shoot(page, "phone")
    page.close()


def main() -> int:
    """Exit status: 0; 1 when there is no studio or no browser to look at it with."""
    folder = folder_of(DEFAULT_PORT)
    state = StackState.read(folder)
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if state is None or state.studio_url is None or executable is None:
        sys.stderr.write("Wanted: `darkroom up --open` on the usual port, and Chromium.\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for scene in (_restyle, _inpaint, _phone):
            scene(browser, launch.link(folder, state.studio_url))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
