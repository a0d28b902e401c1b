"""Starts the server: ``python -m infra.local.studio``, configured by its environment (see ``settings``)."""

import uvicorn

from infra.local.studio.server import application
from infra.local.studio.settings import Settings


def main() -> None:
    """Serve until terminated."""
    settings = Settings.read()
    uvicorn.run(application(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
