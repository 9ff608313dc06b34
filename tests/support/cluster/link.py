"""The network between a node and etcd, as a process of its own: frozen, it is a network that delivers nothing.

Run as `python link.py ADDRESS PORT SERVER…`. A connection is forwarded to the first server that takes it.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Final

_PORT: Final = 2379
_PIECE: Final = 65536


async def serve(address: str, port: int, servers: list[str]) -> None:
    """Forward connections until the process is killed."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for server in servers:
            try:
                far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(server, _PORT), 1)
            except (OSError, TimeoutError):
                continue
            both = [asyncio.create_task(pump(reader, far_writer)), asyncio.create_task(pump(far_reader, writer))]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            far_writer.close()
            break
        writer.close()

    listening = await asyncio.start_server(forward, address, port)
    await listening.serve_forever()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what one side sends until it sends no more."""
    with suppress(OSError):
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
