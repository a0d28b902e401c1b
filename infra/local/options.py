"""Options of a local stack: its folder, its port and the CDK app's context."""

import json
from collections.abc import Mapping
from pathlib import Path

from cloud.lane import PreviewOn
from darkroom.contract.engine import Engine
from infra.config import Config, ConfigError
from infra.local import emulator
from infra.local.clients import Clients
from infra.local.emulator import address
from infra.local.state import RootKey
from pipeline.weights.store import default_folder

# Keys of the context that are settings of the stand-in (infra.local.endpoint.settings).
STAND_IN_KEYS = (
    *("stages", "instances", "min_instances", "concurrency", "cold_start_seconds", "idle_seconds"),
    *("weights", "device", "long_side", "container_module"),
)


class StackOptions:
    """Options of a stack. ``context`` is the CDK app's, and may include the stand-in's settings.

    ``studio`` is the folder of the built studio, if it is to be served. ``snapshots`` saves the state while the stack
    runs. Raises ``ConfigError`` for an invalid context, before anything is started.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        context: Mapping[str, object] | None = None,
        *,
        studio: Path | None = None,
        snapshots: bool = True,
    ) -> None:
        self.folder = folder.resolve()
        self.port = port
        self.studio = studio
        self.snapshots = snapshots
        given = {
            key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in (context or {}).items()
        }
        self.stand_in = {key: given.pop(key) for key in STAND_IN_KEYS if key in given}
        # The containers run in another folder, without the caller's DARKROOM_WEIGHTS and cache folder.
        self.stand_in["weights"] = str(Path(self.stand_in.get("weights") or default_folder()).expanduser().resolve())
        self.context = {"stage": "local", "destroy": "true", **given, "local": "true"}
        self.config = Config.read(self.context)
        if self._endpoint_is_seldom_used():
            # A container takes seconds of both cores to start, and half a gigabyte.
            self.stand_in.setdefault("min_instances", "0")
        if self.config.issuer:
            raise ConfigError("a local stack has its own Cognito pool: it takes no issuer")

    def _endpoint_is_seldom_used(self) -> bool:
        """Return True if only jobs go to the endpoint that ask for the models engine by name."""
        return self.config.preview_on is PreviewOn.LAMBDA and self.config.default_engine is Engine.PREVIEW

    def clients(self) -> Clients:
        """Return root clients of the stack's emulator."""
        return Clients(self.port, RootKey.of(self.folder))

    def emulator_environment(self, endpoint_port: int) -> dict[str, str]:
        """Return the emulator's environment. The default ``*`` allows every origin in the cloud, but only the studio
        here.
        """
        origins = [origin for origin in self.config.origins if origin != "*"]
        return emulator.environment(
            self.folder, self.port, endpoint_url=address(endpoint_port), origins=origins, snapshots=self.snapshots
        )
