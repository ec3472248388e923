"""The objects of one service, read from the cluster that a person's kubeconfig names."""

import asyncio
import difflib
import os
from pathlib import Path

from kubernetes.aio.config import ConfigException

from setpoint.cli.status_objects import Found
from setpoint.kube.client import KubeClient
from setpoint.kube.errors import ApiError, Forbidden, NotFound, Unavailable
from setpoint.kube.login import contexts_of
from setpoint.kube.objects import Object
from setpoint.kube.resources import (
    ENDPOINT_SLICES,
    INFERENCE_SERVICES,
    PODS,
    TUNING_CHECKPOINTS,
    Resource,
)
from setpoint.orchestrations.deployment import SERVICE_LABEL

_TIMEOUT_SECONDS = 10.0
_MOST_NAMES = 8
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class ClusterError(Exception):
    """There is no such cluster or no such service; the message says what would help."""


class Cluster:
    """A cluster, and the namespace that is asked about."""

    def __init__(self, kubeconfig: str | None, context: str | None, namespace: str | None) -> None:
        """Choose as kubectl does: what is given, else KUBECONFIG, else ~/.kube/config, else the pod's own.

        Raises ClusterError when there is none of them, or no such context.
        """
        path = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        is_there = any(Path(each).expanduser().is_file() for each in path.split(os.pathsep))
        if not is_there and not kubeconfig and not context and _OWN_NAMESPACE.is_file():
            self.client = KubeClient.from_environment(timeout_seconds=_TIMEOUT_SECONDS)
            self.namespace = namespace or _OWN_NAMESPACE.read_text(encoding="utf-8").strip()
            return
        try:
            contexts = contexts_of(path)
        except ConfigException as error:
            raise ClusterError(
                f"no cluster: {error}: name a kubeconfig by --kubeconfig or KUBECONFIG"
            ) from None
        chosen = context or contexts.current
        if chosen is None or chosen not in contexts.namespaces:
            known = ", ".join(contexts.namespaces) or "none"
            asked = f"--context: {chosen!r} is not in {path}" if chosen else f"{path} has no current context"
            raise ClusterError(f"{asked}: name one of its contexts by --context: {known}")
        self.client = KubeClient.from_kubeconfig(path, chosen, timeout_seconds=_TIMEOUT_SECONDS)
        self.namespace = namespace or contexts.namespaces[chosen] or "default"

    async def find(self, name: str) -> Found:
        """Read one service and what belongs to it. What of that may not be read is said, and does without.

        Raises ClusterError when the service cannot be read, or is not there.
        """
        async with self.client as client:
            try:
                service = await client.get(INFERENCE_SERVICES, self.namespace, name)
                if service is None:
                    raise ClusterError(await self._missing(name))
            except ConfigException as error:
                raise ClusterError(f"no cluster: {error}") from None
            except ApiError as error:
                raise ClusterError(self._told(error)) from None
            unread: dict[str, str] = {}
            pods, slices, checkpoints = await asyncio.gather(
                self._of_service(PODS, name, unread),
                self._of_service(ENDPOINT_SLICES, name, unread),
                self._of_service(TUNING_CHECKPOINTS, name, unread),
            )
        checkpoint = next((each for each in checkpoints if each["metadata"]["name"] == name), None)
        return Found(service, tuple(pods), tuple(slices), checkpoint, unread)

    async def _of_service(self, resource: Resource, name: str, unread: dict[str, str]) -> list[Object]:
        try:
            found, _ = await self.client.list(
                resource, namespace=self.namespace, label_selector=f"{SERVICE_LABEL}={name}"
            )
        except Forbidden:
            unread[resource.plural] = f"you may not list {resource.plural} in namespace {self.namespace}"
            return []
        except ApiError as error:
            unread[resource.plural] = str(error)
            return []
        return found

    async def _missing(self, name: str) -> str:
        """What to say of a service that is not there: which are."""
        told = f"there is no infsvc {name!r} in namespace {self.namespace!r}"
        try:
            here, _ = await self.client.list(INFERENCE_SERVICES, namespace=self.namespace)
        except NotFound:
            return (
                "the API server does not know InferenceServices: install Setpoint, or name another cluster "
                "by --context or --kubeconfig"
            )
        except Forbidden:
            return f"{told}, and you may not list those that are"
        names = [each["metadata"]["name"] for each in here]
        near = difflib.get_close_matches(name, names, _MOST_NAMES) or sorted(names)[:_MOST_NAMES]
        if near:
            more = f", of {len(names)}" if len(near) < len(names) else ""
            return f"{told}: there is {', '.join(near)}{more}"
        return f"{told}: there is none at all{await self._elsewhere(name)}"

    async def _elsewhere(self, name: str) -> str:
        try:
            found, _ = await self.client.list(INFERENCE_SERVICES)
        except ApiError:
            return "; name another namespace by -n"
        places = [each["metadata"]["namespace"] for each in found if each["metadata"]["name"] == name]
        places = places or sorted({each["metadata"]["namespace"] for each in found})
        return (
            f"; name another namespace by -n: {', '.join(places[:_MOST_NAMES])}"
            if places
            else " in any namespace"
        )

    def _told(self, error: ApiError) -> str:
        if isinstance(error, Forbidden) and error.status == 401:
            return f"the API server does not know you: log in again ({error.message})"
        if isinstance(error, Forbidden):
            return f"you may not read infsvc in namespace {self.namespace!r}: {error.message}"
        if isinstance(error, Unavailable) and not error.status:
            return f"the API server cannot be reached: {error.message}"
        return str(error)
