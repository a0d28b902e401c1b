"""Function of the cpu lane with light plans: the real handler and worker, whose jobs take a moment and little CPU."""

from containers.cpu import invocation_processor
from infra.local.stack import LocalStack
from infra.names import CPU_FUNCTION
from tests.chaos.light_container import light_plan

invocation_processor._plan_finder = lambda _settings: light_plan

from containers.cpu.function import handler  # noqa: E402 - it finds its plans when it is imported

__all__ = ["handler"]


def use_light_function(stack: LocalStack) -> None:
    """Let the stack's function of the cpu lane run light plans."""
    name = stack.state.functions[CPU_FUNCTION]
    stack.client("lambda").update_function_configuration(FunctionName=name, Handler=f"{__name__}.handler")
