"""Jobs continue whatever happens to the page, and end on request."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, WebSocketRoute, expect

from infra.local.stack import LocalStack
from tests.studio.visitor import DEVELOPED_MS, Visitor
from tests.studio.watch import Watch

_NOTE_PROGRESS = """() => {
  window.noted = [];
  new MutationObserver(() => {
    const bar = document.querySelector("main progress[value]");
    if (bar) window.noted.push(bar.value);
  }).observe(document, { subtree: true, childList: true, attributes: true });
}"""


def _ask(visitor: Visitor, sample: Path, style: str = "Modern") -> None:
    visitor.sign_in()
    visitor.choose(sample)
    visitor.page.get_by_role("radio", name=style).check()
    visitor.page.get_by_role("button", name=f"Restyle as {style}").click()
    expect(visitor.page.get_by_role("progressbar").first).to_be_visible()


def test_a_job_is_cancelled(visitor: Visitor, sample: Path, stack: LocalStack) -> None:
    page = visitor.page
    with stack.paused("dispatch"):
        _ask(visitor, sample)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("Nothing was made.")).to_be_visible()
    page.get_by_role("link", name="All jobs").click()
    expect(page.get_by_role("link", name="Restyle a room Cancelled")).to_have_count(1)
    page.get_by_role("combobox", name="State").select_option("Ready")
    expect(page.get_by_text("No job fits")).to_be_visible()
    page.get_by_role("button", name="Show everything").click()
    expect(page.get_by_role("link", name="Restyle a room Cancelled")).to_have_count(1)


def test_two_jobs_at_once_outlive_a_reload(visitor: Visitor, sample: Path, stack: LocalStack) -> None:
    page = visitor.page
    with stack.paused("dispatch"):
        _ask(visitor, sample, "Japandi")
        page.get_by_role("link", name="Make", exact=True).click()
        page.get_by_role("radio", name="Farmhouse").check()
        page.get_by_role("button", name="Restyle as Farmhouse").click()
        expect(page.get_by_text("In the queue").first).to_be_visible()
        page.goto("/settings")
        expect(visitor.tray).to_contain_text("2 jobs developing")
    expect(visitor.tray).to_contain_text("2 jobs ended", timeout=DEVELOPED_MS)


def test_a_lost_socket_goes_on_where_it_broke_off(visitor: Visitor, sample: Path, stack: LocalStack) -> None:
    page = visitor.page
    lines: list[WebSocketRoute] = []
    asked: list[list[dict[str, Any]]] = []
    told: list[list[int]] = []

    def open_line(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        lines.append(line)
        requests: list[dict[str, Any]] = []
        seqs: list[int] = []
        asked.append(requests)
        told.append(seqs)

        def to_service(message: str | bytes) -> None:
            requests.append(json.loads(message))
            server.send(message)

        def to_page(message: str | bytes) -> None:
            said = json.loads(message)
            if said.get("type") == "job":
                seqs.append(said["job"]["seq"])
            line.send(message)

        line.on_message(to_service)
        server.on_message(to_page)

    page.route_web_socket("**/live?**", open_line)
    with stack.paused("dispatch"):
        _ask(visitor, sample)
        expect(page.get_by_text("In the queue").first).to_be_visible()
        page.evaluate(_NOTE_PROGRESS)
        known = max(told[0])
        lines[0].close(code=1001, reason="gone away")
    visitor.await_result()
    first, again = (next(each for each in requests if each["action"] == "subscribe") for requests in asked[:2])
    assert (again["job_id"], again["after_seq"]) == (first["job_id"], known)
    assert min(told[1]) > known
    seen = page.evaluate("window.noted")
    assert seen
    assert seen == sorted(seen)


def test_a_lost_network_is_told_of_and_comes_back(
    visitor: Visitor, sample: Path, stack: LocalStack, watch: Watch, context: BrowserContext
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    page = visitor.page
    with stack.paused("dispatch"):
        _ask(visitor, sample)
        expect(page.get_by_text("In the queue").first).to_be_visible()
        context.set_offline(True)
        expect(page.get_by_text("You are offline").first).to_be_visible()
    context.set_offline(False)
    visitor.await_result()
    expect(page.get_by_text("You are offline")).to_have_count(0)


def test_a_file_that_is_no_picture_is_refused_and_nothing_lost(visitor: Visitor, sample: Path, tmp_path: Path) -> None:
    page = visitor.page
    visitor.sign_in()
    page.get_by_role("radio", name="Coastal").check()
    fake = tmp_path / "room.jpg"
    fake.write_text("not a picture")
    visitor.choose(fake)
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("This file was not taken")
    visitor.choose(sample)
    expect(refusal).to_have_count(0)
    expect(page.get_by_role("button", name="Restyle as Coastal")).to_be_enabled()


def test_a_job_that_fails_says_what_to_do(visitor: Visitor, sample: Path) -> None:
    page = visitor.page
    visitor.sign_in("/make/face_swap")
    for role in ("Face to take", "Picture to change"):
        visitor.choose(sample, role=role)
        # A consent holds for the chosen pictures alone, so that another one takes it away.
        expect(page.get_by_role("group", name=role).get_by_role("button", name="Remove")).to_be_visible()
    page.get_by_role("checkbox", name="agree").check()
    page.get_by_role("button", name="Swap the faces").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("face", timeout=DEVELOPED_MS)
    page.get_by_role("button", name="Again with changes").click()
    expect(page.get_by_role("checkbox", name="agree")).to_be_checked()
