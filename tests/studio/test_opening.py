"""Opening of the studio: start-up, configuration and content security policy."""

import pytest
from playwright.sync_api import Error, Page, expect

from infra.local.stack import LocalStack
from tests.studio.accessibility import violations
from tests.studio.watch import Watch


def test_the_app_starts_under_its_policy_and_is_told_of_its_deployment(page: Page, stack: LocalStack) -> None:
    answer = page.goto("/")
    assert answer is not None
    headers = answer.headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    expect(page.get_by_role("main")).to_be_visible()
    config = page.request.get("/config.json").json()
    assert config["api_url"] == stack.endpoint
    assert config["local_user"]["username"] == "local"
    assert violations(page) == []


def test_the_policy_keeps_out_what_is_not_ours(page: Page, watch: Watch) -> None:
    page.goto("/")
    assert watch.problems() == []
    asked = page.evaluate("fetch('https://elsewhere.example/').then(() => 'sent', () => 'refused')")
    with pytest.raises(Error, match="TrustedScript"):
        page.evaluate("document.createElement('script').text = 'window.ran = true'")
    assert (asked, page.evaluate("window.ran")) == ("refused", None)
    told = watch.problems()
    assert any("elsewhere.example" in problem for problem in told)
    watch.allow("Content Security Policy|elsewhere.example|TrustedScript")
