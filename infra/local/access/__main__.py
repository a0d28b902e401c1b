"""Starts MiniStack behind the request guard: ``python -m infra.local.access``, configured by its environment."""

import os

from ministack import app as ministack

from infra.local.access import routes
from infra.local.access.emulator_keys import derive_function_keys, secrets_of
from infra.local.access.guard import RequestGuard
from infra.local.access.origins import AllowedOrigins
from infra.local.access.settings import Settings
from infra.local.access.signatures import Verifier


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.read()
    for name in [name for name in os.environ if name.startswith("GUARD_")]:
        del os.environ[name]  # functions get the rest of the environment
    derive_function_keys(os.environ["AWS_SECRET_ACCESS_KEY"])
    ministack.app = RequestGuard(
        ministack.app,
        Verifier(secrets_of(dict(os.environ))),
        port=settings.port,
        is_open=routes.is_open,
        is_open_socket=routes.is_open_socket,
        origins=AllowedOrigins(settings.folder, settings.origins),
    )
    ministack.main()  # serves the module's ``app``


if __name__ == "__main__":
    main()
