"""Trial of the WebSocket: whether it lets the user in and answers. Watching a job would silently poll instead."""

import asyncio

from darkroom.client.errors import ClientError, ConnectionLost
from darkroom.client.websocket import open_async_socket
from infra.commands.deploy.deployment import Deployment
from infra.commands.deploy.hops import HopClock
from infra.commands.deploy.trial_job import ACCEPT_SECONDS, Trial

NAME = "socket"
ANSWER_SECONDS = 15.0


def ping_socket(deployment: Deployment) -> Trial:
    """Connect to the WebSocket API, send a ping and await its answer. It raises no error of the service."""
    trial = Trial(NAME)
    try:
        asyncio.run(_ping(deployment, trial))
    except ConnectionLost as error:
        trial.outcome, trial.note = "failed", f"{error}: jobs can be polled only"
    except ClientError as error:
        trial.outcome, trial.note = "failed", f"{error.code}: {error.message}"
    return trial


async def _ping(deployment: Deployment, trial: Trial) -> None:
    token = None if deployment.token is None else await asyncio.to_thread(deployment.token.token)
    clock = HopClock(trial.hops)
    async with open_async_socket(deployment.socket_url, token) as socket:
        clock.reach("connected", ACCEPT_SECONDS)
        await socket.send({"action": "ping"})
        answer = await socket.receive(ANSWER_SECONDS)
        if answer is None or answer.get("type") != "pong":
            raise ConnectionLost(f"it answered {answer} to a ping")
        clock.reach("answered", ACCEPT_SECONDS)
    trial.seconds, trial.outcome = clock.seconds, "completed"
