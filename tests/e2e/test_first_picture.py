"""Examples of ``docs/first-picture.md`` for shell, Python and browser, run as they are against the local stack."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Route, expect, sync_playwright

from infra.local.stack import LocalStack
from tests.paths import DATA, ROOT
from tests.unlimited import WEB_ORIGIN

EXAMPLES = ROOT / "docs" / "examples"
PHOTO = DATA / "living_room.jpg"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture
def environment(stack: LocalStack) -> dict[str, str]:
    token = stack.token_for("first-picture")
    return {**os.environ, "DARKROOM_ENDPOINT": stack.endpoint, "DARKROOM_TOKEN": token, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("name", ["first_picture.sh", "first_picture.py"])
def test_the_example_makes_a_picture(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    if name.endswith(".sh") and not (shutil.which("curl") and shutil.which("jq")):
        pytest.skip("curl and jq are not installed")
    result = tmp_path / "result.jpg"
    program = "sh" if name.endswith(".sh") else sys.executable
    subprocess.run([program, EXAMPLES / name, PHOTO, result], env=environment, check=True, cwd=tmp_path, timeout=120)
    with Image.open(result) as made, Image.open(PHOTO) as given:
        assert made.size == given.size


@pytest.mark.parametrize("name", ["first_picture.sh", "first_picture.py"])
def test_the_example_ends_with_an_error_if_the_token_is_wrong(
    name: str, environment: dict[str, str], tmp_path: Path
) -> None:
    if name.endswith(".sh") and not (shutil.which("curl") and shutil.which("jq")):
        pytest.skip("curl and jq are not installed")
    program = "sh" if name.endswith(".sh") else sys.executable
    environment["DARKROOM_TOKEN"] = "wrong"
    command = [program, EXAMPLES / name, PHOTO, tmp_path / "result.jpg"]
    assert subprocess.run(command, env=environment, check=False, capture_output=True, timeout=120).returncode != 0


def test_the_page_makes_a_picture_in_a_browser(stack: LocalStack) -> None:
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        pytest.skip("no Chromium is installed (Debian's package: chromium)")

    def serve(route: Route) -> None:
        path = EXAMPLES / route.request.url.rpartition("/")[2]
        kind = {".html": "text/html", ".js": "text/javascript"}.get(path.suffix)
        route.fulfill(status=200, content_type=kind, body=path.read_bytes()) if kind else route.fulfill(status=404)

    with sync_playwright() as playwright:
        # A page that Playwright serves has no address, so Chromium would take it for one of the internet.
        flags = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page()
        page.route(f"{WEB_ORIGIN}/**", serve)
        page.goto(f"{WEB_ORIGIN}/first_picture.html")
        page.get_by_label("Endpoint").fill(stack.endpoint)
        page.get_by_label("Token").fill(stack.token_for("first-picture"))
        page.get_by_label("Photo").set_input_files(PHOTO)
        page.get_by_role("button", name="Restyle").click()
        expect(page.get_by_role("status")).to_have_text(re.compile("completed 100 %"), timeout=60_000)
        picture = page.get_by_role("img", name="The restyled room")
        expect(picture).to_be_visible()
        page.wait_for_function("document.querySelector('img').naturalWidth > 0")
        with Image.open(PHOTO) as given:
            assert picture.evaluate("img => [img.naturalWidth, img.naturalHeight]") == list(given.size)
        browser.close()
