"""Access keys inside the emulator: MiniStack's record of roles' sessions and users, read and written by the guard."""

from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import sts

from infra.local.access.keys import function_key
from infra.local.access.refusals import Refused, unknown_key
from infra.local.access.signatures import SecretOf


def secrets_of(environment: Mapping[str, str]) -> SecretOf:
    """Secrets of the root key in ``environment``, and of the roles and users that the emulator knows."""
    root_key, root_secret = environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]

    def secret_of(key: str, token: str) -> str:
        if key == root_key and not token:
            return root_secret
        if iam_evaluator.is_root_access_key(key):  # `test` and every number of an account, to MiniStack
            raise unknown_key(key)
        found = iam_evaluator.resolve_credential(key, None, token)
        if isinstance(found, iam_evaluator.CredentialResolutionError):
            raise Refused(403, found.code, found.message)
        return str(found.secret_access_key)

    return secret_of


def derive_function_keys(root_secret: str) -> None:
    """Have MiniStack give functions the keys that are derived from the root key's secret.

    Call it before the emulator's Lambda service is imported, which takes the function by its name.
    """

    def execution_credentials(config: Mapping[str, Any]) -> dict[str, str]:
        function, role = config["FunctionArn"], config["Role"]
        key = function_key(root_secret, function, role)
        account, role_name, session = function.split(":")[4], role.rpartition("/")[2], config["FunctionName"][:64]
        sts.register_session(
            key.access_key_id,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session}",
                "UserId": f"{role_name}:{session}",
                "SecretAccessKey": key.secret_access_key,
                "SessionToken": key.session_token,
            },
        )
        return key.environment()

    lambda_runtime.execution_credentials = execution_credentials
