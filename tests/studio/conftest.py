"""Fixtures of the studio tests: a real browser and one local stack with the real API for all scenarios."""

import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from infra.local import users
from infra.local.stack import LocalStack
from tests.studio.visitor import Visitor
from tests.studio.watch import Watch, origin_of
from tests.unlimited import UNLIMITED

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOLDER = Path(__file__).parent
PATIENCE_MS = 20_000  # a machine with two cores runs the emulator, the preview engine and other tests beside this


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser that is installed; nothing is downloaded."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed (Debian's package: chromium)")
    return found


@pytest.fixture(scope="session")
def stack(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("stack"), context=UNLIMITED, studio=True, keep=False) as stack:
        yield stack


class BrowserProcess:
    """Chromium and Playwright's driver: started by the first test that asks, and stopped after the folder's last.

    No fixture of the session: while Playwright runs, no asynchronous test of another folder could run in this process.
    """

    def __init__(self) -> None:
        self._running = ExitStack()
        self._browser: Browser | None = None

    def get(self, chromium: str) -> Browser:
        """Return the browser, which is started if needed."""
        if self._browser is None:
            playwright = self._running.enter_context(sync_playwright())
            expect.set_options(timeout=PATIENCE_MS)
            # Its sandbox needs a user other than root, which CI does not have.
            self._browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            self._running.callback(self._browser.close)
        return self._browser

    def stop(self) -> None:
        """Stop the browser; idempotent."""
        self._browser = None
        self._running.close()


_process = BrowserProcess()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None, None, None]:
    try:
        return (yield)
    finally:
        if nextitem is None or not nextitem.path.is_relative_to(FOLDER):
            _process.stop()


@pytest.fixture
def browser(chromium: str) -> Browser:
    return _process.get(chromium)


@pytest.fixture
def context(browser: Browser, stack: LocalStack) -> Iterator[BrowserContext]:
    """A browser that knows nothing yet."""
    context = browser.new_context(base_url=stack.studio_url, viewport={"width": 1280, "height": 800}, locale="en-US")
    context.set_default_timeout(PATIENCE_MS)
    context.request.get(stack.studio_link)  # as `darkroom up --open` opens it; the cookie stays
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page at 1280×800; ``page.goto("/")`` opens the studio."""
    return context.new_page()


@pytest.fixture
def visitor(page: Page, stack: LocalStack) -> Visitor:
    """Somebody new before that page."""
    username, password = f"visitor-{uuid4().hex[:8]}", users.make_password()
    users.make_user(stack.client, stack.state.pool_id, username, password)
    return Visitor(page, username, password)


@pytest.fixture(autouse=True)
def watch(page: Page, stack: LocalStack) -> Iterator[Watch]:
    """Fails the test on any error in the console (broken policies are told of there), any uncaught error, and any
    request to a stranger; ``watch.allow(pattern)`` lets one happen."""
    service = origin_of(stack.endpoint)
    watch = Watch(page, origins={origin_of(stack.studio_url), service}, service=service)
    yield watch
    assert watch.problems() == []


@pytest.fixture(scope="session")
def sample() -> Path:
    """A photo of a living room."""
    return Path(__file__).parents[1] / "data" / "living_room.jpg"
