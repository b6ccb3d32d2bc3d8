"""One side of the interop tests, on the websockets package.

    python3 peer.py server SETTINGS    prints {"port": N}
    python3 peer.py client SETTINGS    dials for each {"id", "url", "behavior",
                                       "subprotocols"} that it reads

SETTINGS is a JSON object: "deflate", "serverNoTakeover", "clientNoTakeover"
and "windowBits". For each connection that has ended it prints what it saw of
it. It exits when its standard input ends.
"""

import asyncio
import json
import sys
import threading
import urllib.parse

import websockets
from websockets.extensions import permessage_deflate

FRAGMENT = 1000  # bytes or characters


def print_json(value):
    print(json.dumps(value), flush=True)


async def echo(ws, message):
    await ws.send(message)


async def fragments(ws, message):
    """Echoes in fragments, with a ping between them."""

    async def split():
        for i in range(0, len(message), FRAGMENT):
            yield message[i : i + FRAGMENT]
            if i == 0:
                await ws.ping("between")

    await ws.send(split())


async def ping(ws, message):
    await (await ws.ping(message))
    await ws.send("pong " + message)


async def close(ws, message):
    args = json.loads(message)
    await ws.close(args["code"], args["reason"])


behaviors = {f.__name__: f for f in (echo, fragments, ping, close)}


async def run(ws, behavior, id):
    report = {"id": id}
    try:
        async for message in ws:
            await behaviors[behavior](ws, message)
    except websockets.ConnectionClosed:
        pass  # reported below
    except Exception as err:
        report["error"] = repr(err)
    await ws.wait_closed()
    print_json(
        report
        | {
            "extensions": ws.response_headers.get("Sec-WebSocket-Extensions", ""),
            "subprotocol": ws.subprotocol or "",
            "code": ws.close_code,
            "reason": ws.close_reason,
        }
    )


def options(settings, factory):
    extensions = []
    if settings["deflate"]:
        params = {
            "server_no_context_takeover": settings["serverNoTakeover"],
            "client_no_context_takeover": settings["clientNoTakeover"],
        }
        if settings["windowBits"]:
            params["server_max_window_bits"] = settings["windowBits"]
            params["client_max_window_bits"] = settings["windowBits"]
        extensions.append(factory(**params))
    return {
        "compression": None,  # with the default settings, beside extensions
        "extensions": extensions,
        "max_size": None,
        "ping_interval": None,
    }


async def serve(settings, lines):
    async def handle(ws, path):
        url = urllib.parse.urlsplit(path)
        id = urllib.parse.parse_qs(url.query)["id"][0]
        await run(ws, url.path.removeprefix("/"), id)

    factory = permessage_deflate.ServerPerMessageDeflateFactory
    async with websockets.serve(
        handle, "127.0.0.1", 0, subprotocols=["interop"], **options(settings, factory)
    ) as server:
        print_json({"port": server.sockets[0].getsockname()[1]})
        while await lines.get() is not None:
            pass


async def dial(settings, lines):
    async def one(job):
        factory = permessage_deflate.ClientPerMessageDeflateFactory
        try:
            ws = await websockets.connect(
                job["url"],
                subprotocols=job["subprotocols"] or None,
                **options(settings, factory),
            )
        except Exception as err:
            print_json({"id": job["id"], "error": repr(err)})
            return
        await run(ws, job["behavior"], job["id"])

    tasks = set()  # a task that nothing refers to may be collected
    while (line := await lines.get()) is not None:
        tasks.add(asyncio.create_task(one(json.loads(line))))


async def main():
    lines, loop = asyncio.Queue(), asyncio.get_running_loop()

    def read():
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    settings = json.loads(sys.argv[2])
    await {"server": serve, "client": dial}[sys.argv[1]](settings, lines)


asyncio.run(main())
