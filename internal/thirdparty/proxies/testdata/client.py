"""A client on the websockets package.

    python3 client.py URL ADDRESS PORT AUTHORITY

It connects to ADDRESS and PORT for the URL, trusting the certificates of
AUTHORITY, expects its messages back, and closes with 3000 "done".
"""

import asyncio
import ssl
import sys
import urllib.parse

import websockets

MESSAGES = ["", "hello", "naïve 狐 🦊 " * 2000, b"", bytes(range(256)) * 200]


async def main(url, address, port, authority):
    options = {"host": address, "port": int(port)}
    if url.startswith("wss:"):
        options["server_hostname"] = urllib.parse.urlsplit(url).hostname
        options["ssl"] = ssl.create_default_context(cafile=authority)
    async with websockets.connect(url, compression="deflate", **options) as ws:
        for message in MESSAGES:
            await ws.send(message)
            if await ws.recv() != message:
                sys.exit("the echo differs from the message")
        await (await ws.ping())
        await ws.close(3000, "done")


asyncio.run(main(*sys.argv[1:]))
