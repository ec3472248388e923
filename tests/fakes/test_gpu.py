"""The fake device plugin, before a kubelet of the tests."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import grpc
import pytest

from e2e.fakes.gpu import manifests, protocol
from e2e.fakes.gpu.labels import Model, labels
from e2e.fakes.gpu.plugin import KUBELET_SOCKET, SOCKET, Plugin, device_ids

TIMEOUT_SECONDS = 20


@contextmanager
def kubelet(folder: Path) -> Iterator["Queue[Any]"]:
    """A kubelet that starts: it clears its folder of sockets, then takes registrations."""
    for socket in folder.glob("*.sock"):
        socket.unlink()
    registrations: Queue[Any] = Queue()

    def register(request: Any, _: grpc.ServicerContext) -> Any:
        registrations.put(request)
        return protocol.message("Empty")

    with ThreadPoolExecutor() as workers:
        server = grpc.server(workers)
        server.add_generic_rpc_handlers([protocol.registration_service(register)])
        server.add_insecure_port(f"unix://{folder / KUBELET_SOCKET}")
        server.start()
        yield registrations
        server.stop(grace=None).wait()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The kubelet's folder, with a plugin of two devices that runs beside the test."""
    plugin = Plugin(tmp_path, ["GPU-a", "GPU-b"])
    thread = threading.Thread(target=plugin.run)
    thread.start()
    yield tmp_path
    plugin.stop()
    thread.join(TIMEOUT_SECONDS)
    assert not thread.is_alive()
    assert not (tmp_path / SOCKET).exists()


def test_registers_its_resource(folder: Path) -> None:
    with kubelet(folder) as registrations:
        request = registrations.get(timeout=TIMEOUT_SECONDS)
    assert (request.version, request.endpoint, request.resource_name) == ("v1beta1", SOCKET, "nvidia.com/gpu")


def test_registers_again_when_the_kubelet_starts_anew(folder: Path) -> None:
    for _ in range(2):
        with kubelet(folder) as registrations:
            registrations.get(timeout=TIMEOUT_SECONDS)


def test_lists_its_devices_and_keeps_the_stream_open(folder: Path) -> None:
    with kubelet(folder) as registrations:
        registrations.get(timeout=TIMEOUT_SECONDS)
        with grpc.insecure_channel(f"unix://{folder / SOCKET}") as channel:
            stream = protocol.plugin_stream(
                channel, "ListAndWatch", protocol.message("Empty"), "ListAndWatchResponse"
            )
            devices = next(stream).devices
            assert [(device.ID, device.health) for device in devices] == [
                ("GPU-a", "Healthy"),
                ("GPU-b", "Healthy"),
            ]
            assert stream.is_active()
            stream.cancel()


def test_an_allocation_names_the_devices_to_each_container(folder: Path) -> None:
    requests = [
        protocol.message("ContainerAllocateRequest", devices_ids=ids)
        for ids in (["GPU-b"], ["GPU-a", "GPU-b"])
    ]
    with kubelet(folder) as registrations:
        registrations.get(timeout=TIMEOUT_SECONDS)
        with grpc.insecure_channel(f"unix://{folder / SOCKET}") as channel:
            request = protocol.message("AllocateRequest", container_requests=requests)
            response = protocol.plugin_call(channel, "Allocate", request, "AllocateResponse")
    assert [dict(container.envs) for container in response.container_responses] == [
        {"NVIDIA_VISIBLE_DEVICES": "GPU-b"}, {"NVIDIA_VISIBLE_DEVICES": "GPU-a,GPU-b"}]  # fmt: skip


def test_device_ids_are_stable_and_differ_between_nodes() -> None:
    assert device_ids("a", 3) == device_ids("a", 3)
    assert len({*device_ids("a", 3), *device_ids("b", 3)}) == 6


def test_labels_are_valid_values() -> None:
    found = labels(Model(), 8)
    assert found["nvidia.com/gpu.product"] == "NVIDIA-H100-80GB-HBM3"
    assert found["nvidia.com/gpu.count"] == "8"
    assert all(value and len(value) <= 63 for value in found.values())


def test_the_daemonset_runs_the_image_it_is_given() -> None:
    *_, daemonset = manifests.manifests("localhost/fakes:1", count=3)
    (container,) = daemonset["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["command"][-1]) == ("localhost/fakes:1", "--count=3")
