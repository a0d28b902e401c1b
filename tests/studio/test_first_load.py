"""First load: what a browser fetches before the first picture can be chosen."""

import gzip

from playwright.sync_api import Response, expect

from tests.studio.visitor import Visitor
from tests.studio.watch import Watch

MAX_BYTES = 200_000


def test_the_first_page_is_light_and_the_canvas_comes_when_it_is_needed(visitor: Visitor) -> None:
    page = visitor.page
    scripts: dict[str, int] = {}

    def count(response: Response) -> None:
        if response.request.resource_type == "script":
            scripts[response.url] = len(gzip.compress(response.body()))

    page.on("response", count)
    visitor.sign_in()
    expect(page.get_by_role("radio", name="Japandi")).to_be_visible()
    page.wait_for_load_state("networkidle")
    first = dict(scripts)
    assert 0 < sum(first.values()) < MAX_BYTES
    page.get_by_role("link", name="Remove or fill").click()
    page.wait_for_load_state("networkidle")
    assert not any("onva" in url for url in first)


def test_text_is_never_run_as_markup_or_code(visitor: Visitor, watch: Watch) -> None:
    """Trusted Types are enforced: an injection that reaches a sink of the page fails there."""
    page = visitor.page
    visitor.sign_in()
    watch.allow(r"TrustedHTML|TrustedScript|Trusted Type|trusted-types")
    assert page.evaluate("() => { const box = document.createElement('div'); box.innerHTML = ''; return 'empty' }")
    sinks = (
        "document.body.innerHTML = '<img src=x>'",
        "document.createElement('script').src = '/assets/x.js'",
        "new DOMParser().parseFromString('<p>', 'text/html')",
        "document.createRange().createContextualFragment('<p>')",
        "trustedTypes.createPolicy('own', {createHTML: (text) => text})",
    )
    for sink in sinks:
        assert page.evaluate(f"() => {{ try {{ {sink}; return null }} catch (error) {{ return error.name }} }}") == (
            "TypeError"
        ), sink
