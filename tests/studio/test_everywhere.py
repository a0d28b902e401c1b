"""Every page on a phone and on a large screen, light and dark, in both languages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from darkroom.contract.kinds import Kind
from infra.local.stack import LocalStack
from tests.studio.accessibility import violations
from tests.studio.conftest import PATIENCE_MS
from tests.studio.visitor import DEVELOPED_MS, Visitor

PAGES = (*(f"/make/{kind}" for kind in Kind), "/jobs", "/assets", "/settings", "/nowhere")
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
FIRST_LEVEL = {"/nowhere": 2}


def _go(page: Page, path: str) -> None:
    """Go to a page as a link does, without loading the app again."""
    page.evaluate("path => history.pushState(null, '', path)", path)
    expect(page).to_have_url(re.compile(f"{path}$"))


def _too_wide(page: Page) -> list[str]:
    """A complaint when one has to scroll sideways."""
    pixels = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{pixels} pixels wider than the window"] if pixels > 0 else []


def _tour(visitor: Visitor, sample: Path, complaints: Callable[[Page], list[str]]) -> dict[str, list[str]]:
    """What there is to complain of on every page, and where one paints."""
    page = visitor.page
    found: dict[str, list[str]] = {}
    for path in PAGES:
        _go(page, path)
        expect(page.get_by_role("heading", level=FIRST_LEVEL.get(path, 1)).first).to_be_visible()
        expect(page.get_by_role("main").get_by_role("status").filter(has_text="…")).to_have_count(0)
        found[path] = complaints(page)
    _go(page, "/make/inpaint")
    visitor.choose(sample)
    expect(page.get_by_role("application")).to_be_visible()
    found["painting"] = complaints(page)
    return {path: complaint for path, complaint in found.items() if complaint}


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop, light", "phone, dark"]
)
def test_every_page_fits_and_breaks_no_rule_of_accessibility(
    visitor: Visitor, sample: Path, viewport: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    visitor.page.emulate_media(color_scheme=scheme)
    visitor.page.set_viewport_size(viewport)
    visitor.sign_in()
    assert _tour(visitor, sample, lambda page: [*violations(page), *_too_wide(page)]) == {}


def test_every_page_fits_a_screen_of_4k(visitor: Visitor, sample: Path) -> None:
    visitor.page.set_viewport_size({"width": 3840, "height": 2160})
    visitor.sign_in()
    assert _tour(visitor, sample, _too_wide) == {}


@pytest.fixture
def phone(browser: Browser, stack: LocalStack) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=stack.studio_url,
        viewport=PHONE,
        device_scale_factor=2,
        has_touch=True,
        is_mobile=True,
        locale="es-ES",
        color_scheme="dark",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    context.request.get(stack.studio_link)
    yield context
    context.close()


def test_a_phone_in_spanish_paints_with_a_finger(phone: BrowserContext, sample: Path) -> None:
    page = phone.new_page()
    page.goto("/make/inpaint")
    page.get_by_role("button", name="Continuar como").tap()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Elegir una foto").tap()
    chooser.value.set_files(sample)
    stage = page.get_by_role("application")
    stage.tap()
    expect(page.get_by_text("de la foto")).to_be_visible()
    assert [*violations(page), *_too_wide(page)] == []
    page.get_by_role("button", name="Rellenar").tap()
    expect(page.get_by_role("slider", name="Antes")).to_be_visible(timeout=DEVELOPED_MS)
    assert [*violations(page), *_too_wide(page)] == []


def test_language_and_theme_are_kept(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in("/settings")
    page.get_by_role("radio", name="Español").check()
    page.get_by_role("radio", name="Oscuro").check()
    expect(page.get_by_role("heading", name="Ajustes")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Ajustes")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
