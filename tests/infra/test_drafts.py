"""Drafts in the templates: dispatch asks for them unless the context says no; the cpu lane may show and drop them."""

from infra.names import CPU_FUNCTION
from tests.infra.template import Assembly, Template


def test_dispatch_asks_for_drafts_unless_the_context_says_no(core: Template, research: Assembly) -> None:
    asked = [each.function("dispatch")["Environment"]["Variables"]["DRAFTS"] for each in (core, research["core"])]
    assert asked == ["True", "False"]


def test_the_function_may_store_a_draft_and_delete_one_that_is_late(core: Template) -> None:
    assert {"s3:PutObject", "s3:DeleteObject", "dynamodb:UpdateItem"} <= set(core.function_actions(CPU_FUNCTION))
