"""Fake container without a pipeline: answers as each invocation's body asks. Run as an instance of the endpoint
stub.
"""

import asyncio
import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def ping(_request: Request) -> Response:
    return Response()


async def invoke(request: Request) -> Response:
    if request.headers["authorization"] != f"Bearer {os.environ['INVOCATIONS_TOKEN']}":
        return Response(status_code=403)
    body = await request.json()
    match body["do"]:
        case "answer":
            headers = {name: value for name, value in request.headers.items() if name.startswith("x-amzn-")}
            return JSONResponse({"pid": os.getpid(), "headers": headers, "type": request.headers["content-type"]})
        case "error":
            return JSONResponse({"code": "internal"}, status_code=500)
        case "exit":
            os._exit(3)
        case "hang":
            await asyncio.Event().wait()
    return Response(status_code=400)


if __name__ == "__main__":
    app = Starlette(routes=[Route("/ping", ping), Route("/invocations", invoke, methods=["POST"])])
    uvicorn.run(
        app, host=os.environ["HOST"], port=int(os.environ["PORT"]), log_config=None, timeout_graceful_shutdown=1
    )
