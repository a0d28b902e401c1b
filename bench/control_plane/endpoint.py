"""Starts the stand-in for SageMaker's endpoint with a call log: ``python -m bench.control_plane.endpoint``."""

import os
from typing import Any

from bench.control_plane import CALL_LOG
from bench.control_plane.call_log import CallLog
from infra.local.endpoint import __main__ as stand_in
from infra.local.endpoint.server import EndpointServer


class LoggingServer(EndpointServer):
    """Server of the stand-in with a call log beside its folder of invocations, as the emulator's is."""

    def app(self) -> Any:
        """Return the application."""
        path = self._settings.invocations_folder.parent / CALL_LOG
        return CallLog(super().app(), path, os.environ["AWS_ACCESS_KEY_ID"])


def main() -> None:
    """Serve until terminated."""
    stand_in.EndpointServer = LoggingServer  # type: ignore[attr-defined]
    stand_in.main()


if __name__ == "__main__":
    main()
