"""Fault injection of the stand-in at run time, through ``POST /_faults``."""

import threading
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field


class FaultValues(BaseModel):
    """Values of the fault switches. A request changes only those that it contains."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crash: int = Field(0, ge=0, description="Number of next invocations during which the instance is killed.")
    crash_seconds: float = Field(0.2, ge=0, description="Seconds into the invocation, if it takes that long.")
    unreachable: bool = Field(False, description="Answer every AWS request with 503.")
    duplicate: bool = Field(False, description="Publish each notification twice.")
    delay_seconds: float = Field(0.0, ge=0, le=60, description="Delay of each notification.")
    cold_start_seconds: float = Field(
        0.0, ge=0, le=600, description="Delay before the process of a new instance starts."
    )
    min_instances: int = Field(1, ge=0, le=16, description="Minimum number of instances; 0 scales to zero.")
    idle_seconds: float = Field(300.0, ge=0, description="Idle time after which a surplus instance is stopped.")


class Faults:
    """Current fault switches. Thread-safe."""

    def __init__(self, values: FaultValues) -> None:
        self._values = values
        self._lock = threading.Lock()

    @property
    def values(self) -> FaultValues:
        """A consistent snapshot of all switches."""
        return self._values

    def update(self, changes: Mapping[str, object]) -> FaultValues:
        """Change the switches in ``changes``. Raises ``ValidationError`` for an unknown name or an invalid value."""
        with self._lock:
            self._values = FaultValues.model_validate(self._values.model_dump() | dict(changes))
            return self._values

    def take_crash(self) -> bool:
        """Return True if this invocation is to crash, and count it."""
        with self._lock:
            left = self._values.crash
            if left:
                self._values = self._values.model_copy(update={"crash": left - 1})
            return left > 0
