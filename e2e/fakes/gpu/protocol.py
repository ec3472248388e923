"""The kubelet's device plugin API v1beta1, its messages and services built here without generated code.

Source: k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1/api.proto.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

VERSION = "v1beta1"
_PACKAGE = "v1beta1"
_FIELD = descriptor_pb2.FieldDescriptorProto

# Message -> its fields as "name: type", numbered from 1; "*" is repeated, "{}" a map of strings.
_MESSAGES: Mapping[str, tuple[str, ...]] = {
    "Empty": (),
    "DevicePluginOptions": ("pre_start_required: bool", "get_preferred_allocation_available: bool"),
    "RegisterRequest": (
        "version: string",
        "endpoint: string",
        "resource_name: string",
        "options: DevicePluginOptions",
    ),
    "NUMANode": ("ID: int64",),
    "TopologyInfo": ("nodes: NUMANode*",),
    "Device": ("ID: string", "health: string", "topology: TopologyInfo"),
    "ListAndWatchResponse": ("devices: Device*",),
    "ContainerAllocateRequest": ("devices_ids: string*",),
    "AllocateRequest": ("container_requests: ContainerAllocateRequest*",),
    "ContainerAllocateResponse": ("envs: {}",),
    "AllocateResponse": ("container_responses: ContainerAllocateResponse*",),
}
_SCALARS = {"bool": _FIELD.TYPE_BOOL, "string": _FIELD.TYPE_STRING, "int64": _FIELD.TYPE_INT64}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="deviceplugin.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields, start=1):
            _add_field(message, number, *field.split(": "))
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    repeated = kind.endswith("*") or kind == "{}"
    label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if kind == "{}":
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _add_field(entry, 1, "key", "string")
        _add_field(entry, 2, "value", "string")
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{message.name}.{entry.name}"
        return
    kind = kind.removesuffix("*")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def message(name: str, **fields: object) -> Message:
    """Make a message of the API by its name, such as "Device", from its fields."""
    made: Message = _class(name)(**fields)
    return made


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def register(kubelet: grpc.Channel, request: Message) -> None:
    """Introduce a plugin to the kubelet. Raises grpc.RpcError."""
    call = kubelet.unary_unary(
        f"/{_PACKAGE}.Registration/Register",
        request_serializer=_serialize,
        response_deserializer=_class("Empty").FromString,
    )
    call(request, timeout=10)


def registration_service(register: Callable[[Any, grpc.ServicerContext], Message]) -> grpc.GenericRpcHandler:
    """The kubelet's side of the registration."""
    handler = grpc.unary_unary_rpc_method_handler(register, *_codec("RegisterRequest"))
    return grpc.method_handlers_generic_handler(f"{_PACKAGE}.Registration", {"Register": handler})


def plugin_service(
    options: Callable[[Any, grpc.ServicerContext], Message],
    list_and_watch: Callable[[Any, grpc.ServicerContext], Iterator[Message]],
    allocate: Callable[[Any, grpc.ServicerContext], Message],
) -> grpc.GenericRpcHandler:
    """The plugin's side: the three methods that a plugin without options must have."""
    return grpc.method_handlers_generic_handler(
        f"{_PACKAGE}.DevicePlugin",
        {
            "GetDevicePluginOptions": grpc.unary_unary_rpc_method_handler(options, *_codec("Empty")),
            "ListAndWatch": grpc.unary_stream_rpc_method_handler(list_and_watch, *_codec("Empty")),
            "Allocate": grpc.unary_unary_rpc_method_handler(allocate, *_codec("AllocateRequest")),
        },
    )


def plugin_call(channel: grpc.Channel, method: str, request: Message, response: str) -> Any:
    """Call a plugin's method of one answer, as the kubelet does."""
    path = f"/{_PACKAGE}.DevicePlugin/{method}"
    return channel.unary_unary(path, _serialize, _class(response).FromString)(request, timeout=10)


def plugin_stream(channel: grpc.Channel, method: str, request: Message, response: str) -> Any:
    """Call a plugin's method of many answers, as the kubelet does."""
    path = f"/{_PACKAGE}.DevicePlugin/{method}"
    return channel.unary_stream(path, _serialize, _class(response).FromString)(request)


def _codec(request: str) -> tuple[Callable[[bytes], Message], Callable[[Message], bytes]]:
    return _class(request).FromString, _serialize


def _serialize(message: Message) -> bytes:
    return bytes(message.SerializeToString())
