"""axe-core checks of the current page: WCAG 2.2 A and AA, and its best practices."""

from pathlib import Path

from playwright.sync_api import Page

from infra.bundling.studio import MODULES, WEB

_AXE: Path = WEB / MODULES / "axe-core" / "axe.min.js"
_GRAVE = {"serious", "critical"}


def violations(page: Page) -> list[str]:
    """The rules that are broken gravely, each with the elements that break it."""
    page.evaluate(_AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: "
        + "; ".join(" ".join(map(str, node["target"])) for node in rule["nodes"])
        for rule in found
        if rule["impact"] in _GRAVE
    ]
