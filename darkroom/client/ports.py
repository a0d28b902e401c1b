"""Ports of the loopback interface, for the processes of a local stack."""

import socket


def free_port() -> int:
    """Return an unused port on 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
