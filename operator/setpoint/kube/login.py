"""Where the operator's credentials come from: the same places, in the same order, as kopf's own login.

The official client does the work (kubeconfig, exec plugins, the pod's rotating token); this only chooses.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from kubernetes.aio.config.kube_config import ENV_KUBECONFIG_PATH_SEPARATOR, KubeConfigMerger
from yaml import YAMLError


async def login_from_environment() -> Configuration:
    """Credentials of the pod's service account, or else of the kubeconfig that KUBECONFIG or ~/.kube names.

    Raises ConfigException when there is neither.
    """
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException:
        await load_kube_config(  # type: ignore[no-untyped-call]
            config_file=os.environ.get("KUBECONFIG") or "~/.kube/config",
            client_configuration=configuration,
            persist_config=False,
        )
    return configuration


async def login_from_kubeconfig(path: str, context: str | None = None) -> Configuration:
    """Credentials of one kubeconfig file, of its current context where none is named."""
    configuration = Configuration()
    await load_kube_config(  # type: ignore[no-untyped-call]
        config_file=path, context=context, client_configuration=configuration, persist_config=False
    )
    return configuration


@dataclass(frozen=True, slots=True)
class Contexts:
    """What a kubeconfig has to choose from."""

    namespaces: Mapping[str, str | None]
    """The namespace that each context names, by the context's name."""
    current: str | None


def contexts_of(path: str) -> Contexts:
    """Return the contexts of a kubeconfig: one file, or several as KUBECONFIG names them.

    Raises ConfigException when there is no such file, or it is no kubeconfig.
    """
    if not any(Path(each).expanduser().is_file() for each in path.split(ENV_KUBECONFIG_PATH_SEPARATOR)):
        raise ConfigException(f"there is no file {path}")
    try:
        content = KubeConfigMerger(path).config.value  # type: ignore[no-untyped-call]
        contexts = [node.value for node in content["contexts"]]
        return Contexts(
            {str(each["name"]): each["context"].get("namespace") for each in contexts},
            content.get("current-context") or None,
        )
    except OSError as error:
        raise ConfigException(f"{path} cannot be read: {error.strerror}") from None
    except (AttributeError, KeyError, TypeError, ValueError, YAMLError):
        # The client takes for granted that it has the form of a kubeconfig, and fails somewhere in it.
        raise ConfigException(f"{path} is no kubeconfig") from None
