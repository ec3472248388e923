"""The golden files: whole objects of a few services, as the operator applies them.

`python -m tests.golden.generate` writes them; a test compares them, so that a change of what runs is seen
in review.
"""

from pathlib import Path
from typing import Any

import yaml

from setpoint.api.inferenceservice import InferenceService
from setpoint.orchestrations import deployment, live_limits
from setpoint.settings import Settings
from tests.builders import OWNER, inference_service, owner, settings

FOLDER = Path(__file__).parent

CASES: dict[str, tuple[InferenceService, Settings]] = {
    "smallest": (inference_service(), settings()),
    "private-hub": (
        inference_service(
            uri="hf://acme/tiny-chat@v2",
            model={"name": "Tiny Chat", "tokenSecretRef": {"name": "hub", "key": "token"}},
            engine={
                "image": "registry.example/vllm:patched",
                "args": ["--max-model-len", "8192", "--disable-access-log-for-endpoints=/health"],
                "apiKeySecretRef": {"name": "chat-key", "key": "api-key"},
                "startupTimeout": "1h",
                "drainTimeout": "1500ms",
            },
            replicas=3,
        ),
        settings(
            vllm_image="mirror.example/vllm-openai",
            image_pull_secrets=("mirror",),
            hugging_face_endpoint="https://hub.example",
        ),
    ),
    "volume-claim": (inference_service(uri="pvc://models/llama/8b", parallelism={"tensor": 4}), settings()),
    "node-path": (
        inference_service(uri="file:///srv/models/llama/"),
        settings(allowed_node_paths=("/srv/models",)),
    ),
    "huge-pages": (
        inference_service(
            placement={"hugepages": [{"pageSize": "2048Ki", "size": "4Gi"}, {"pageSize": "1Gi", "size":
            "2Gi"}]}
        ),
        settings(),
    ),
    "template": (
        inference_service(
            template={
                "metadata": {"labels": {"team": "a"}, "annotations": {"example.com/cost-center": "42"}},
                "spec": {
                    "nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
                    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
                    "priorityClassName": "serving",
                    "containers": [
                        {
                            "name": "main",
                            "env": [
                                {"name": "DO_NOT_TRACK", "value": "0"},
                                {"name": "LOG", "value": "$(HOME)/log"},
                            ],
                            "resources": {"requests": {"memory": "64Gi"}},
                            "livenessProbe": {"exec": {"command": ["true"]}, "timeoutSeconds": None},
                        },
                        {"name": "logs", "image": "registry.example/logs:1"},
                    ],
                    "volumes": [{"name": "home", "ephemeral": {"volumeClaimTemplate": {"spec": {
                        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "60Gi"}}}}}}],
                },
            }
        ),
        settings(),
    ),
    "promise": (
        inference_service(
            engine={"image": "registry.example/vllm:patched"},
            slo={
                "objectives": [
                    {"name": "first-token", "metric": "TimeToFirstToken", "threshold": "1s"},
                    {"name": "between-tokens", "metric": "InterTokenLatency", "threshold": "60ms"},
                ]
            },
            template={"spec": {"containers": [{"name": "main", "env": [
                {"name": "PYTHONPATH", "value": "/opt/company"}, {"name": "VLLM_PLUGINS", "value": "company"}
            ]}]}},
        ),
        settings(),
    ),
}  # fmt: skip
"""Services and settings by name of their golden file."""


def objects(service: InferenceService, settings: Settings) -> list[dict[str, Any]]:
    """Return what a fresh operator applies for a service, without the text of the plugin."""
    found = deployment.children(
        service,
        owner=owner(service),
        template=deployment.pod_template(service, settings),
        revision=deployment.revision_of(service),
        limits=live_limits.limits_file(service, writer=OWNER["uid"], seen=(), generation=1),
    )
    for each in found:
        if each.get("immutable"):
            each["data"] = dict.fromkeys(each["data"], "...")
    return found


def golden(name: str) -> str:
    """Return what the golden file of a case must hold."""
    return yaml.dump_all(objects(*CASES[name]), Dumper=_NoAliases, sort_keys=False, width=110)


def write_golden() -> None:
    """Write every golden file, and remove those that have no case any more."""
    for path in FOLDER.glob("*.yaml"):
        path.unlink()
    for name in CASES:
        (FOLDER / f"{name}.yaml").write_text(golden(name), encoding="utf-8")


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


if __name__ == "__main__":
    write_golden()
