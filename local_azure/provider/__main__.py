"""The plugin's process: started by the engine, stopped by it, and never left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent import futures
from types import FrameType

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from local_azure.provider.servicer import AzureNative

LOOK_SECONDS = 1.0
"""How soon a plugin notices that its engine was killed."""

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def main() -> None:
    """Serve on a free port, tell it on standard output, end with the engine."""
    parent = os.getppid()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=_UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AzureNative(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not ended.wait(LOOK_SECONDS):
        if os.getppid() != parent:
            break
    server.stop(grace=None)
    # Idle worker threads would keep the interpreter, and with it the engine, waiting for seconds.
    os._exit(0)


if __name__ == "__main__":
    main()
