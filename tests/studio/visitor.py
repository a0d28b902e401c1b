"""User of the studio, as a page object."""

from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

DEVELOPED_MS = 60_000  # a job on a machine that runs other tests beside it
_FILE = """(target, [name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));"""
_DROP = (
    _FILE
    + """
  for (const event of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(event, { bubbles: true, cancelable: true, dataTransfer: files }));
}"""
)
_PASTE = (
    _FILE
    + """
  target.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, clipboardData: files }));
}"""
)


def _described(photo: Path, content_type: str) -> list[str]:
    return [photo.name, content_type, b64encode(photo.read_bytes()).decode()]


class Visitor:
    """What people do, in their words; ``page`` is there for the rest."""

    def __init__(self, page: Page, username: str, password: str) -> None:
        self.page = page
        self._username = username
        self._password = password

    def sign_in(self, path: str = "/") -> None:
        """Open the studio at a path and sign in with name and password."""
        self.page.goto(path)
        self.page.get_by_label("Username").fill(self._username)
        self.page.get_by_label("Password").fill(self._password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.page.get_by_role("navigation", name="Main")).to_be_visible()

    def choose(self, photo: Path, *, role: str = "Photo") -> None:
        """Choose a file for a role, by the button."""
        group = self.page.get_by_role("group", name=role)
        with self.page.expect_file_chooser() as chooser:
            group.get_by_role("button", name="Choose").first.click()
        chooser.value.set_files(photo)

    def drop(self, photo: Path, onto: Locator, content_type: str = "image/jpeg") -> None:
        """Drag a file from the desktop onto something."""
        onto.evaluate(_DROP, _described(photo, content_type))

    def paste(self, photo: Path, content_type: str = "image/jpeg") -> None:
        """Paste a file that was copied elsewhere, once there is somewhere to paste it."""
        expect(self.page.get_by_text("paste it").first).to_be_visible()
        self.page.locator("body").evaluate(_PASTE, _described(photo, content_type))

    @property
    def tray(self) -> Locator:
        """The jobs under way, on every page."""
        return self.page.get_by_role("complementary", name="Jobs under way")

    @property
    def slider(self) -> Locator:
        """The divider between before and after."""
        return slider(self.page)

    def await_result(self) -> None:
        """Watch the job of this page until its result is shown."""
        await_result(self.page)

    def download(self, folder: Path) -> Path:
        """Save the result of the job of this page."""
        return download(self.page, folder)


def slider(page: Page) -> Locator:
    """The divider between before and after on a job's page."""
    return page.get_by_role("slider", name="Before")


def await_result(page: Page) -> None:
    """Watch the job of a page until its result is shown."""
    expect(page.get_by_role("region", name="Result")).to_be_visible(timeout=DEVELOPED_MS)


def download(page: Page, folder: Path) -> Path:
    """Save the result of the job of a page."""
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path
