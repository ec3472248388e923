"""The device plugin: a gRPC server on a socket in the kubelet's folder, registered with the kubelet."""

import logging
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from e2e.fakes.gpu import RESOURCE, protocol

SOCKET = "fake-nvidia-gpu.sock"
KUBELET_SOCKET = "kubelet.sock"
LOOK_SECONDS = 0.5
"""How often the plugin looks whether its socket is still there and whether the kubelet's is."""
_log = logging.getLogger("fake-gpu")


def device_ids(node: str, count: int) -> list[str]:
    """The ids of a node's GPUs: always the same for one node, no two nodes share one."""
    return [f"GPU-{uuid.uuid5(uuid.NAMESPACE_DNS, f'{index}.{node}')}" for index in range(count)]


class Plugin:
    """Offers `devices` to the kubelet whose sockets are in `folder`, until stopped."""

    def __init__(self, folder: Path, devices: list[str]) -> None:
        self._folder = folder
        self._devices = devices
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let `run` return."""
        self._stopped.set()

    def run(self) -> None:
        """Serve and register, again whenever the kubelet has started anew.

        A kubelet that starts removes every socket in its folder; that is how a plugin learns of it.
        """
        while not self._stopped.is_set():
            if not (self._folder / KUBELET_SOCKET).exists():
                self._stopped.wait(LOOK_SECONDS)
                continue
            with ThreadPoolExecutor(max_workers=8) as workers:
                server = self._serve(workers)
                try:
                    self._register()
                    while (self._folder / SOCKET).exists() and not self._stopped.wait(LOOK_SECONDS):
                        pass
                except grpc.RpcError as error:
                    _log.warning("the kubelet did not take the registration: %s", error)
                    self._stopped.wait(LOOK_SECONDS)
                finally:
                    server.stop(grace=None).wait()
        (self._folder / SOCKET).unlink(missing_ok=True)

    def _serve(self, workers: ThreadPoolExecutor) -> grpc.Server:
        path = self._folder / SOCKET
        path.unlink(missing_ok=True)
        server = grpc.server(workers)
        server.add_generic_rpc_handlers(
            [protocol.plugin_service(_options, self._list_and_watch, self._allocate)]
        )
        server.add_insecure_port(f"unix://{path}")
        server.start()
        return server

    def _register(self) -> None:
        request = protocol.message(
            "RegisterRequest", version=protocol.VERSION, endpoint=SOCKET, resource_name=RESOURCE
        )
        with grpc.insecure_channel(f"unix://{self._folder / KUBELET_SOCKET}") as kubelet:
            protocol.register(kubelet, request)
        _log.info("registered %d %s", len(self._devices), RESOURCE)

    def _list_and_watch(self, _: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        """Tell the devices once and keep the stream open: nothing ever happens to them."""
        ended = threading.Event()
        context.add_callback(ended.set)
        devices = [protocol.message("Device", ID=device, health="Healthy") for device in self._devices]
        yield protocol.message("ListAndWatchResponse", devices=devices)
        ended.wait()

    def _allocate(self, request: Any, _: grpc.ServicerContext) -> Message:
        """Name each container's devices in NVIDIA_VISIBLE_DEVICES, as NVIDIA's plugin does by default."""
        responses = [
            protocol.message(
                "ContainerAllocateResponse", envs={"NVIDIA_VISIBLE_DEVICES": ",".join(container.devices_ids)}
            )
            for container in request.container_requests
        ]
        return protocol.message("AllocateResponse", container_responses=responses)


def _options(_: Any, __: grpc.ServicerContext) -> Message:
    return protocol.message("DevicePluginOptions")
