"""``darkroom login`` and ``darkroom logout``: sign in to a deployed service, and store or remove the tokens."""

import webbrowser
from contextlib import suppress
from typing import Annotated
from urllib.parse import urlsplit

import typer

from darkroom.cli.loopback_redirect import redirect_server
from darkroom.cli.output import echo
from darkroom.cli.settings import Settings
from darkroom.cli.token_sources import login_store
from darkroom.client.api import Api
from darkroom.client.blocking import BlockingConnections, run_blocking
from darkroom.client.claims import Claims
from darkroom.client.cognito import Challenge, CognitoPool, is_cognito
from darkroom.client.errors import ClientError
from darkroom.client.local_stack import find_running_stack
from darkroom.client.login_store import StoredLogin
from darkroom.client.network import is_loopback
from darkroom.client.oidc import AuthorizationRequest, OidcIssuer, TokenSet
from darkroom.client.responses import Config
from darkroom.client.tokens import StaticToken

SIGN_IN_SECONDS = 300.0
ENDPOINT_HELP = "URL of the service; DARKROOM_ENDPOINT when left out."

login = typer.Typer(add_completion=False, rich_markup_mode=None)
logout = typer.Typer(add_completion=False, rich_markup_mode=None)

Endpoint = Annotated[str | None, typer.Option("--endpoint", metavar="URL", help=ENDPOINT_HELP, show_default=False)]


@login.command(epilog="Example:  darkroom login --endpoint https://abc.execute-api.eu-west-1.amazonaws.com")
def sign_in(
    endpoint: Endpoint = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the sign-in page, or only print its link.")
    ] = True,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the redirect on 127.0.0.1; 0: any free one.")
    ] = 0,
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="A scope to ask for besides the usual ones; repeatable."),
    ] = None,
    username: Annotated[
        str | None, typer.Option("--username", help="User of the Cognito pool; asked for when left out.")
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Use the sign-in page of a Cognito pool; it needs a domain and this client.")
    ] = False,
) -> None:
    """Sign in, and store the tokens for later commands.

    An OIDC issuer shows its page in a browser. A Cognito pool is asked with name, password and code in the terminal.
    """
    service = _endpoint(endpoint)
    config = Config.model_validate(_config(service))
    if not config.issuer or not config.client_id:
        raise ClientError("not_configured", f"{service} names no issuer and client to sign in with.")
    cognito_url = None
    if is_cognito(config.issuer) and not page:
        cognito_url = _local_cognito_url(service) or _origin(config.issuer)
        tokens = _password_flow(CognitoPool(cognito_url, config.client_id), username)
    else:
        tokens = _code_flow(OidcIssuer.discover(config.issuer, config.client_id), browser, port, tuple(scopes or ()))
    store = login_store()
    store.put(
        StoredLogin(
            endpoint=service,
            issuer=config.issuer,
            client_id=config.client_id,
            cognito_url=cognito_url,
            bearer=tokens.bearer,
            refresh=tokens.refresh,
            expires_at=tokens.expires_at,
            username=tokens.username,
        )
    )
    claims = Claims.of(tokens.bearer)
    role = " (administrator)" if claims.admin else ""
    echo(f"Signed in at {service} as {tokens.username or claims.subject or 'an unnamed user'}{role}.")
    if tokens.refresh is None:
        echo("The issuer gave no refresh token: sign in again when the token has expired.", err=True)
    echo(f"The login is stored in {store.path}; `darkroom logout` removes it.", err=True)


@logout.command()
def sign_out(
    endpoint: Endpoint = None,
    every: Annotated[bool, typer.Option("--all", help="Remove the logins at all endpoints.")] = False,
) -> None:
    """Remove the stored login at an endpoint, and revoke its refresh token."""
    store = login_store()
    endpoints = list(store.all()) if every else [_endpoint(endpoint)]
    for each in endpoints:
        removed = store.remove(each)
        if removed is None:
            echo(f"No login is stored for {each}.", err=True)
            continue
        if removed.refresh is not None:
            # Signed out here, whether or not the issuer can be reached.
            with suppress(ClientError):
                removed.connect().revoke(removed.refresh)
        echo(f"Signed out at {each}.")


def _endpoint(given: str | None) -> str:
    endpoint = Settings.read(given).endpoint
    if endpoint is None:
        raise typer.BadParameter("give the URL of a service", param_hint="'--endpoint' / DARKROOM_ENDPOINT")
    return endpoint.rstrip("/")


def _config(endpoint: str) -> object:
    connections = BlockingConnections(StaticToken(None))
    try:
        return run_blocking(Api(endpoint, connections).json("GET", "/config"))
    finally:
        run_blocking(connections.close())


def _local_cognito_url(endpoint: str) -> str | None:
    """Return the emulator's Cognito endpoint if ``endpoint`` is the running local stack's."""
    stack = find_running_stack() if is_loopback(endpoint) else None
    return stack.auth.url if stack is not None and stack.endpoint.rstrip("/") == endpoint else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _password_flow(pool: CognitoPool, username: str | None) -> TokenSet:
    name = username or typer.prompt("Username", err=True)
    result = pool.sign_in(name, typer.prompt("Password", hide_input=True, err=True))
    while isinstance(result, Challenge):
        if result.name == "NEW_PASSWORD_REQUIRED":
            answer = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
        else:
            answer = typer.prompt("Code", err=True).strip()
        result = pool.answer(result, answer)
    return result


def _code_flow(issuer: OidcIssuer, browser: bool, port: int, scopes: tuple[str, ...]) -> TokenSet:
    with redirect_server(port) as server:
        request = AuthorizationRequest(server.redirect_uri)
        server.state = request.state
        url = issuer.authorization_url(request, scopes)
        echo(f"Sign in at this address:\n\n{url}\n", err=True)
        if browser and not webbrowser.open(url):
            echo("No browser could be opened here.", err=True)
        return issuer.exchange(request, server.wait(SIGN_IN_SECONDS))
