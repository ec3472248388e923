"""The official client's SharedInformer: as it is, on generated models, or made to work on raw objects."""

import json
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from kubernetes import client, config
from kubernetes.informer import ADDED, DELETED, MODIFIED, SharedInformer

from benchmarks.informer.follower import Follower
from benchmarks.informer.kinds import CONFIG_MAPS, SAMPLES
from setpoint.kube.resources import Resource

LOOKUPS = 20
"""A lookup by owner walks through the whole cache: enough to know what it costs."""


def raw(api: Any, resource: Resource) -> Callable[..., Any]:
    """What the informer calls to list and to watch, without generated models."""

    def list_or_watch(**options: Any) -> Any:
        watching = options.get("watch", False)
        query = {"watch": "true", "resourceVersion": options["resource_version"]} if watching else {}
        request = api.param_serialize(
            "GET", resource.path(None), query_params=list(query.items()), auth_settings=["BearerToken"]
        )
        response = api.call_api(*request)
        if watching:
            return response.response
        answer = json.loads(response.read())
        metadata = SimpleNamespace(resource_version=answer["metadata"]["resourceVersion"])
        return SimpleNamespace(items=answer["items"], metadata=metadata)

    return list_or_watch


def name_of(obj: Any) -> str:
    """The name of a raw object or a model."""
    return str(obj["metadata"]["name"] if isinstance(obj, dict) else obj.metadata.name)


def has_owner(obj: Any, uid: str) -> bool:
    """Whether a raw object or a model belongs to this owner."""
    if isinstance(obj, dict):
        return any(owner["uid"] == uid for owner in obj["metadata"].get("ownerReferences", ()))
    return any(owner.uid == uid for owner in obj.metadata.owner_references or ())


def follow(kubeconfig: str, expected: int, *, models: bool) -> None:
    """Follow both kinds until killed."""
    config.load_kube_config(config_file=kubeconfig)  # type: ignore[no-untyped-call]
    api = client.ApiClient()
    all_config_maps = client.CoreV1Api(api).list_config_map_for_all_namespaces
    # The official client has no models of custom objects: they are raw in both variants.
    functions = [raw(api, SAMPLES), all_config_maps if models else raw(api, CONFIG_MAPS)]
    follower = Follower()
    synced = threading.Event()

    def hear(kind: str, _: Any) -> None:
        follower.events[kind] += 1
        # There is no signal that the first list is complete: only who knows the number can wait for it.
        if follower.events[ADDED] >= expected:
            synced.set()

    # The client has no types for its informer.
    informers: list[Any] = [SharedInformer(function) for function in functions]  # type: ignore[no-untyped-call]
    for informer in informers:
        for kind in (ADDED, MODIFIED, DELETED):
            informer.add_event_handler(kind, partial(hear, kind))
        informer.start()
    synced.wait()
    samples, children = (informer.cache for informer in informers)

    def names() -> list[str]:
        return [name_of(obj) for cache in (samples, children) for obj in cache.list()]

    uids = [obj["metadata"]["uid"] for obj in samples.list()[:LOOKUPS]]
    began = time.perf_counter()
    assert all(sum(has_owner(obj, uid) for obj in children.list()) == 1 for uid in uids)
    follower.report(names(), (time.perf_counter() - began) / LOOKUPS)
    for _ in sys.stdin:
        follower.report(names())
