"""The plugin's process: started by the engine, stopped by it, and never left behind."""

from __future__ import annotations

import os
import signal
import sys
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from local_azure.provider.servicer import AzureNative

LOOK_SECONDS = 1.0
"""How soon a plugin notices that its engine was killed."""

_ENDS = (signal.SIGINT, signal.SIGTERM)
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def main() -> None:
    """Serve on a free port, tell it on standard output, end with the engine."""
    parent = os.getppid()
    # Before any thread starts: threads inherit it, and the signals wait for `sigtimedwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    # More than the engine runs at a time, so that its Cancel never waits for one of them.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), options=_UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AzureNative(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while signal.sigtimedwait(_ENDS, LOOK_SECONDS) is None:
        if os.getppid() != parent:
            break
    # Not sys.exit(): idle worker threads would keep the engine waiting for seconds.
    os._exit(0)


if __name__ == "__main__":
    main()
