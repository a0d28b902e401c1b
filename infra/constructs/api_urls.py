"""API URLs: API Gateway's host names in the cloud, paths on one port in the emulator."""

from aws_cdk import CfnParameter, Stack
from aws_cdk.aws_apigatewayv2 import HttpApi, WebSocketApi
from constructs import Construct

from infra.config import Config
from infra.names import GATEWAY_PARAMETER, SOCKET_STAGE


class ApiUrls(Construct):
    """Builds the URLs of the stack's APIs.

    Locally, the emulator's ``host:port`` is a template parameter, so that one synthesized template serves every port.
    """

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        self._gateway: str | None = None
        if config.local:
            parameter = CfnParameter(
                Stack.of(self), GATEWAY_PARAMETER, default="127.0.0.1:4566", description="The emulator's host:port."
            )
            self._gateway = parameter.value_as_string

    def api(self, api: HttpApi) -> str:
        """Return the URL of the REST API, without a trailing slash."""
        if self._gateway:
            return f"http://{self._gateway}/_aws/execute-api/{api.api_id}/$default"
        return api.api_endpoint

    def socket(self, api: WebSocketApi) -> str:
        """Return the URL that WebSocket clients connect to."""
        if self._gateway:
            return f"ws://{self._gateway}/_aws/execute-api/{api.api_id}/{SOCKET_STAGE}"
        return f"{api.api_endpoint}/{SOCKET_STAGE}"

    def callback(self, api: WebSocketApi) -> str:
        """Return the URL at which functions post messages to connected clients."""
        if self._gateway:
            return f"http://{self._gateway}/_aws/execute-api/{api.api_id}/{SOCKET_STAGE}"
        stack = Stack.of(self)
        return f"https://{api.api_id}.execute-api.{stack.region}.{stack.url_suffix}/{SOCKET_STAGE}"

    def jwks(self, pool_id: str) -> str:
        """Return the URL of a Cognito pool's public keys."""
        if self._gateway:
            return f"http://{self._gateway}/{pool_id}/.well-known/jwks.json"
        return f"{cognito_origin(Stack.of(self))}/{pool_id}/.well-known/jwks.json"


def cognito_origin(stack: Stack) -> str:
    """Return the origin of Cognito's user pools in a stack's region, with the suffix of its partition."""
    return f"https://cognito-idp.{stack.region}.{stack.url_suffix}"
