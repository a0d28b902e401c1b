"""Asset library: pictures kept for later use."""

from pathlib import Path

from playwright.sync_api import expect

from tests.studio.visitor import Visitor


def test_a_picture_is_kept_used_and_deleted(visitor: Visitor, sample: Path) -> None:
    page = visitor.page
    visitor.sign_in("/assets")
    expect(page.get_by_role("heading", name="Nothing kept yet")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add pictures").first.click()
    chooser.value.set_files(sample)
    card = page.get_by_role("listitem").filter(has=page.get_by_role("button", name=f"Delete {sample.name}"))
    expect(card.get_by_role("button", name="Use")).to_be_visible()

    card.get_by_role("button", name="Use").click()
    page.get_by_role("dialog").get_by_text("Restyle the room").click()
    expect(page.get_by_text("From your library").first).to_be_visible()
    page.get_by_role("radio", name="Minimalist").check()
    page.get_by_role("button", name="Restyle as Minimalist").click()
    visitor.await_result()
    expect(visitor.slider).to_be_visible()

    page.get_by_role("button", name="Keep in the library").click()
    expect(page.get_by_text("Kept in your library")).to_be_visible()
    page.get_by_role("link", name="Library", exact=True).click()
    expect(page.get_by_role("button", name="Delete")).to_have_count(2)
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(card).to_have_count(0)
    expect(page.get_by_role("button", name="Delete")).to_have_count(1)
