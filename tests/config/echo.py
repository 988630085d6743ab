"""python -m tests.config.echo: the web server with an application that says what reached it.

LIMITS, as JSON, changes what its clients may take.
"""

import asyncio
import json
import os

from config import load, serving, web
from web.answers import Answer
from web.problems import Problem

LARGE = 20_000_000


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        for what in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{what}.complete"})
        return
    body = await serving.read_body(receive)
    if body is None:
        return
    if isinstance(body, Problem):
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        answer = Answer(body.status, headers, b"")
    else:
        with body:
            answer = await echo(scope, body.read())
    await answer.send(send)


async def echo(scope, body):
    if scope["path"] == "/large":
        said = b" " * LARGE
    else:
        said = json.dumps(
            {
                "method": scope["method"],
                "path": scope["path"],
                "query": scope["query_string"].decode("latin1"),
                "headers": [
                    [one.decode("latin1") for one in header] for header in scope["headers"]
                ],
                "body": body.decode("latin1") if len(body) < 1_000 else len(body),
            }
        ).encode()
    if scope["path"].startswith("/wait/"):
        await asyncio.sleep(float(scope["path"].removeprefix("/wait/")))
    return Answer(200, [(b"content-length", str(len(said)).encode())], said)


if __name__ == "__main__":
    changes = json.loads(os.environ["LIMITS"])
    serving._BODY_SECONDS = changes.pop("body_seconds", serving._BODY_SECONDS)
    for name, value in changes.items():
        assert hasattr(load.LIMITS, name)
        setattr(load.LIMITS, name, value)
    web.application = application
    web.main()
