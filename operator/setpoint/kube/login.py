"""Where the operator's credentials come from: the same places, in the same order, as kopf's own login.

The official client does the work (kubeconfig, exec plugins, the pod's rotating token); this only chooses.
"""

import os

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config


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


async def login_from_kubeconfig(path: str) -> Configuration:
    """Credentials of the current context of one kubeconfig file."""
    configuration = Configuration()
    await load_kube_config(  # type: ignore[no-untyped-call]
        config_file=path, client_configuration=configuration, persist_config=False
    )
    return configuration
