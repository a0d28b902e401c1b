"""Talking portrait: from the form to the player, and to a player whose links have expired."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Route, expect

from tests.studio.visitor import DEVELOPED_MS, Visitor, download

_EXPIRED_TOKEN = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


class Links:
    """Presigned links that a page has used. After ``expire``, the storage refuses each file once, as if the session
    that signed its link had ended. A link that is signed again within a second is the same one: hence once.
    """

    def __init__(self, page: Page) -> None:
        self.refused: list[str] = []
        self._used: set[str] = set()
        self._expired: set[str] = set()
        page.route(lambda url: "X-Amz-Signature" in urlsplit(url).query, self._answer)

    def expire(self) -> None:
        """End the session that has signed them all."""
        self._expired |= self._used

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        self._used.add(path)
        if path not in self._expired:
            route.continue_()
            return
        self._expired.remove(path)
        self.refused.append(path)
        route.fulfill(status=400, body=_EXPIRED_TOKEN, headers={"Access-Control-Allow-Origin": "*"})


def _expect_playable(video: Locator) -> None:
    """Expect the player to know how long its video is, and to have captions."""
    assert video.evaluate(
        """(video) => new Promise((resolve) => {
          const told = () => resolve(video.readyState >= 1 && video.duration > 0);
          if (video.readyState >= 1) told();
          else video.addEventListener("loadedmetadata", told);
        })"""
    )
    expect(video.locator("track")).to_have_attribute("src", re.compile("^blob:"))
    assert video.evaluate("(video) => video.textTracks.length") == 1


def test_a_portrait_speaks_with_subtitles_also_when_its_links_have_expired(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    links = Links(page)
    visitor.sign_in("/make/render_video")
    page.get_by_role("radio", name="Amara").check()
    page.get_by_role("textbox", name="What is said").fill("Good evening.")
    page.get_by_role("radio", name="Both").check()
    page.get_by_role("button", name="Make the video").click()
    video = page.locator("video")
    expect(video).to_be_visible(timeout=DEVELOPED_MS)
    _expect_playable(video)
    first = video.get_attribute("src")
    assert first is not None

    # The next morning: another page was shown meanwhile, so that the player is a new one.
    links.expire()
    page.get_by_role("link", name="All jobs").click()
    page.get_by_role("link", name="Speaking portrait").click()
    expect(video).not_to_have_attribute("src", first)
    _expect_playable(video)
    assert {Path(path).suffix for path in links.refused} >= {".mp4", ".vtt"}

    refused = len(links.refused)
    links.expire()
    assert download(page, tmp_path).read_bytes()[4:8] == b"ftyp"
    assert Path(links.refused[refused]).suffix == ".mp4"
