"""State of the cpu lane's function, as Lambda says it."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Lambda puts a function that nobody has called for weeks to sleep; the next call wakes it.
IN_SERVICE = frozenset({"Active", "Inactive"})


def function_state(functions: "LambdaClient", name: str) -> str | None:
    """Return the state of a function, such as ``Active``; None without a function."""
    if not name:
        return None
    try:
        return functions.get_function_configuration(FunctionName=name).get("State", "Active")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
