"""The plugin's service in this process, called over gRPC as the engine calls it, without an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pulumi_anchorbrowser.native.servicer import Servicer

URN = "urn:pulumi:dev::demo::anchorbrowser:index:{}::browsers"
UNKNOWN = rpc.UNKNOWN


class Served:
    """One provider, with `stub` for everything that is not here."""

    def __init__(self, stub: Any, servicer: Servicer) -> None:
        self.stub, self.servicer = stub, servicer

    def configure(self, config: Mapping[str, Any], name: str = "default") -> None:
        """Configure it."""
        self.stub.Configure(provider_pb2.ConfigureRequest(args=struct(config), name=name))

    def check(self, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None, kind: str = "Batch") -> Any:
        """The response to Check."""
        request = provider_pb2.CheckRequest(urn=URN.format(kind), olds=struct(olds or {}), news=struct(news))
        return self.stub.Check(request)

    def inputs(self, news: Mapping[str, Any], kind: str = "Batch") -> dict[str, Any]:
        """The checked inputs as the engine has them."""
        response = self.check(news, kind=kind)
        assert not response.failures, response.failures
        return plain(response.inputs)

    def failures(self, news: Mapping[str, Any], kind: str = "Batch") -> dict[str, str]:
        """What is wrong with each property."""
        return {one.property: one.reason for one in self.check(news, kind=kind).failures}

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any], kind: str = "Batch") -> Any:
        """The response to Diff."""
        request = provider_pb2.DiffRequest(id=id_, urn=URN.format(kind), olds=struct(olds), news=struct(news))
        return self.stub.Diff(request)

    def create(
        self, news: Mapping[str, Any], kind: str = "Batch", *, preview: bool = False, timeout: float = 0.0
    ) -> Any:
        """The response to Create."""
        request = provider_pb2.CreateRequest(
            urn=URN.format(kind), properties=struct(news), preview=preview, timeout=timeout
        )
        return self.stub.Create(request)

    def preview_of_update(
        self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any], kind: str = "Batch"
    ) -> dict[str, Any]:
        """The outputs of an update as a preview has them."""
        request = provider_pb2.UpdateRequest(
            id=id_, urn=URN.format(kind), olds=struct(olds), news=struct(news), preview=True
        )
        return plain(self.stub.Update(request).properties)


@contextmanager
def serving() -> Iterator[Served]:
    """A provider that nobody has configured yet."""
    servicer = Servicer()
    server = grpc.server(ThreadPoolExecutor(8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield Served(provider_pb2_grpc.ResourceProviderStub(channel), servicer)
    server.stop(0).wait()
    servicer.close()


def struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Properties on the wire."""
    made = struct_pb2.Struct()
    made.update(properties)
    return made


def plain(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Properties from the wire, with their signs for secrets and unknown values as they are."""
    return {name: _plain(value) for name, value in properties.fields.items()}


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    return None if kind == "null_value" else getattr(value, str(kind))
