"""MiniStack's internals that the guard reads or changes: keys, APIs and user pools."""

from collections.abc import Mapping
from typing import Any, Literal

from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import apigateway, cognito, sts

from infra.local.access.keys import function_key
from infra.local.access.refusals import Refused, unknown_key


class Emulator:
    """The emulator of this process. Only ``root_key`` with ``root_secret`` has every right."""

    def __init__(self, root_key: str, root_secret: str) -> None:
        self._root_key = root_key
        self._root_secret = root_secret

    def secret_of(self, key: str, token: str) -> str:
        """Return the secret of the root key, of a role's session or of a user's key. Raises ``Refused``."""
        if key == self._root_key:
            if token:
                raise unknown_key(key)
            return self._root_secret
        found = iam_evaluator.resolve_credential(key, None, token)
        if isinstance(found, iam_evaluator.CredentialResolutionError):
            known = found.code != "UnrecognizedClientException"
            raise Refused(403, found.code, found.message) if known else unknown_key(key)
        return str(found.secret_access_key)

    def protocol(self, api_id: str) -> Literal["HTTP", "WEBSOCKET"] | None:
        """Return the protocol of an API of API Gateway, or None if there is no such API."""
        for (_account, _region, known), api in apigateway._apis.all_items():
            if known == api_id:
                return "WEBSOCKET" if api["protocolType"] == "WEBSOCKET" else "HTTP"
        return None

    def has_pool(self, pool_id: str) -> bool:
        """Return True if Cognito has this user pool."""
        return any(known == pool_id for (_account, _region, known), _pool in cognito._user_pools.all_items())

    def restrict(self) -> None:
        """Restrict MiniStack's root keys and function keys; call before serving.

        MiniStack treats ``test`` and every account number as root keys, and derives function keys from the functions'
        names. An empty key stays a root key: it is the caller of API routes without an authorizer.
        """
        roots = ("", self._root_key)

        def is_root_access_key(key: str) -> bool:
            return key in roots

        iam_evaluator.is_root_access_key = is_root_access_key
        sts.is_root_access_key = is_root_access_key
        lambda_runtime.execution_credentials = self._function_credentials

    def _function_credentials(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Return a function's key, and register its session with the rights of its role."""
        function, role = config["FunctionArn"], config["Role"]
        key = function_key(self._root_secret, function, role)
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
