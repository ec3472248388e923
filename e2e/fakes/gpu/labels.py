"""The labels that GPU Feature Discovery and the GPU operator give a node with GPUs."""

import json
import os
import ssl
import urllib.request
from dataclasses import dataclass
from pathlib import Path

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Model:
    """A kind of GPU, as nvidia-smi tells of it."""

    product: str = "NVIDIA-H100-80GB-HBM3"
    family: str = "hopper"
    memory_mib: int = 81559
    compute_capability: tuple[int, int] = (9, 0)
    mig_capable: bool = True


def labels(model: Model, count: int) -> dict[str, str]:
    """The labels of a node with `count` GPUs, none of them shared or partitioned."""
    major, minor = model.compute_capability
    values: dict[str, object] = {
        "gpu.present": "true", "gpu.product": model.product, "gpu.count": count,
        "gpu.memory": model.memory_mib, "gpu.family": model.family, "gpu.compute.major": major,
        "gpu.compute.minor": minor, "gpu.mode": "compute", "gpu.replicas": 1, "gpu.sharing-strategy": "none",
        "mig.capable": str(model.mig_capable).lower(), "mig.strategy": "single", "vgpu.present": "false",
    }  # fmt: skip
    return {f"nvidia.com/{name}": str(value) for name, value in values.items()}


def label_node(node: str, wanted: dict[str, str]) -> None:
    """Patch the node's labels with this pod's service account. Raises OSError when the API server refuses."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    request = urllib.request.Request(
        f"https://{host}:{port}/api/v1/nodes/{node}",
        data=json.dumps({"metadata": {"labels": wanted}}).encode(),
        headers={
            "Authorization": f"Bearer {(_ACCOUNT / 'token').read_text()}",
            "Content-Type": "application/merge-patch+json",
        },
        method="PATCH",
    )
    context = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, context=context, timeout=10):
        pass
