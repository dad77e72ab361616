"""A server with nothing behind TLS but an answer to CONNECT: ``python -m bench.tls_only PORT CERTIFICATE KEY``."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import uvloop
from typing_extensions import override

from certinel.gateway.limits import ListenerOptions
from certinel.gateway.listener import Listener
from certinel.gateway.tls import ServerTls, TlsOptions

CONNECT_TYPE = 0x10
CONNACK = b"\x20\x02\x00\x00"


class Acceptor(asyncio.Protocol):
    """Takes the first bytes for CONNECT. Looks at the presented chain, as whoever decides has to."""

    @override
    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.chain = transport.get_extra_info("presented_chain")

    @override
    def data_received(self, data: bytes) -> None:
        if data[0] == CONNECT_TYPE:
            self.transport.write(CONNACK)

    def shutdown(self) -> None:
        self.transport.close()


async def serve(port: int, certificate: Path, key: Path) -> None:
    options = ListenerOptions(connections_per_second_per_address=0)
    listener = Listener(Acceptor, tls=ServerTls(TlsOptions(certificate=certificate, key=key)), options=options)
    await listener.start("127.0.0.1", port)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await listener.close(grace_seconds=0)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
