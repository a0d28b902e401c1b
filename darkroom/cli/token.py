"""``darkroom token``: print the access token that commands use, such as for curl."""

import json
from datetime import UTC, datetime

import typer

from darkroom.cli.lazy import duration
from darkroom.cli.output import echo
from darkroom.cli.settings import EndpointFlag, JsonFlag, Settings, TokenFlag
from darkroom.cli.token_sources import LOCAL_USER, FoundToken, find_token, login_store
from darkroom.client.claims import Claims
from darkroom.client.errors import ClientError
from darkroom.client.local_stack import find_running_stack

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog='Example:  curl -H "Authorization: Bearer $(darkroom token)" "$DARKROOM_ENDPOINT/jobs"')
def show(as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None) -> None:
    """Print an access token: DARKROOM_TOKEN, else that of a stored login, else that of the local stack's user.

    Its user, rights and expiry go to standard error, or with the token into --json.
    """
    found, service = _find(Settings.read(endpoint, token))
    value = found.source.token() or ""
    claims = Claims.of(value)
    if as_json:
        content = {
            "access_token": value,
            "endpoint": service,
            "expires_at": claims.expires_at.isoformat() if claims.expires_at else None,
            "subject": claims.subject,
            "username": claims.username,
            "admin": claims.admin,
            "source": found.origin,
        }
        echo(json.dumps(content, indent=2))
        return
    echo(value)
    echo(f"{found.origin}: {_describe(claims)}", err=True)


def _find(settings: Settings) -> tuple[FoundToken, str | None]:
    """Return the token source, and the endpoint that it is for. Raises ``ClientError`` if there is none."""
    found = find_token(settings)
    if found is not None:
        return found, settings.endpoint
    if settings.endpoint is not None:
        advice = f"darkroom login --endpoint {settings.endpoint}"
        raise ClientError("unauthorized", f"No login is stored for {settings.endpoint}. Run `{advice}`.")
    stack = find_running_stack()
    if stack is not None:
        return FoundToken(stack.token(), LOCAL_USER), stack.endpoint
    stored = ", ".join(login_store().all())
    known = f" Logins are stored for: {stored}." if stored else ""
    raise ClientError(
        "unauthorized",
        f"There is no token: DARKROOM_TOKEN is not set, and no local stack runs here. Give --endpoint URL.{known}",
    )


def _describe(claims: Claims) -> str:
    if claims.subject is None:
        return "a token without readable claims"
    role = "administrator" if claims.admin else "not an administrator"
    return f"{claims.username}, {role}, subject {claims.subject}{_expiry(claims.expires_at)}"


def _expiry(at: datetime | None) -> str:
    if at is None:
        return ""
    seconds = (at - datetime.now(UTC)).total_seconds()
    return f", expires in {duration(seconds)}" if seconds > 0 else ", expired"
