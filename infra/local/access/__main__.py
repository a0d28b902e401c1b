"""Starts MiniStack behind the request guard: ``python -m infra.local.access``, configured by its environment."""

import os

from ministack import app as ministack

from infra.local.access.emulator import Emulator
from infra.local.access.guard import RequestGuard
from infra.local.access.origins import AllowedOrigins
from infra.local.access.routes import EmulatorRoutes
from infra.local.access.settings import Settings
from infra.local.access.signatures import Verifier


def main() -> None:
    """Serve until terminated."""
    settings = Settings.read()
    for name in [name for name in os.environ if name.startswith("GUARD_")]:
        del os.environ[name]  # functions inherit the environment
    emulator = Emulator(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    emulator.restrict()
    routes = EmulatorRoutes(emulator)
    ministack.app = RequestGuard(
        ministack.app,
        Verifier(emulator.secret_of),
        port=settings.port,
        opening=routes.opening,
        opens_socket=routes.opens_socket,
        origins=AllowedOrigins(settings.folder, settings.origins),
    )
    ministack.main()  # serves the module's ``app``


if __name__ == "__main__":
    main()
