"""`pulumi-resource-anchorbrowser`: the process that the engine starts for each provider of a program."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2_grpc

from pulumi_anchorbrowser.engine import watch_engine
from pulumi_anchorbrowser.native.servicer import Servicer

# The engine sends as many requests at once as `--parallel` says; calls to the API are bounded by the client.
_WORKERS = 1024
# The engine kills a plugin that is still there five seconds after it was asked to end.
_GRACE_SECONDS = 4.0
_ENDINGS = (signal.SIGINT, signal.SIGTERM)
_NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def main() -> NoReturn:
    """Serve on a free port of this machine, print it, and end when the engine says so or is gone."""
    # Before any thread starts: a thread of gRPC would take the signal, and this one would never learn of it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    servicer = Servicer()
    server = grpc.server(ThreadPoolExecutor(max_workers=_WORKERS), options=_NO_LIMIT)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    watch_engine(lambda: os.kill(os.getpid(), signal.SIGTERM))
    signal.sigwait(_ENDINGS)
    servicer.interrupt()
    # Waits until the responses to the requests in flight are sent: a batch whose id is not sent is in no state.
    server.stop(_GRACE_SECONDS).wait(_GRACE_SECONDS)
    servicer.close()
    # Threads of gRPC may hold up an orderly end until the engine kills this process.
    os._exit(0)


if __name__ == "__main__":
    main()
