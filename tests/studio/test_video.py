"""Talking portrait: from the form to the player."""

from playwright.sync_api import expect

from tests.studio.visitor import DEVELOPED_MS, Visitor


def test_a_portrait_speaks_with_subtitles(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in("/make/render_video")
    page.get_by_role("radio", name="Amara").check()
    page.get_by_role("textbox", name="What is said").fill("Good evening.")
    page.get_by_role("radio", name="Both").check()
    page.get_by_role("button", name="Make the video").click()
    video = page.locator("video")
    expect(video).to_be_visible(timeout=DEVELOPED_MS)
    assert page.evaluate(
        """() => new Promise((resolve) => {
          const video = document.querySelector("video");
          const told = () => resolve(video.readyState >= 1 && video.duration > 0);
          if (video.readyState >= 1) told();
          else video.addEventListener("loadedmetadata", told);
        })"""
    )
    assert page.evaluate("document.querySelector('video').textTracks.length") == 1
