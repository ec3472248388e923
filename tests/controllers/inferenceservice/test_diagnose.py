import pytest

from setpoint.api.inferenceservice import InferenceService
from setpoint.controllers.inferenceservice.diagnose import diagnose
from setpoint.kube.objects import Object
from tests.controllers.inferenceservice.builders import pod, service_object

SERVICE = InferenceService.model_validate(
    service_object(
        model={
            "uri": "hf://meta-llama/Llama-3.1-8B",
            "tokenSecretRef": {"name": "hub", "key": "token"},
        },
        engine={"image": "example/vllm:1", "apiKeySecretRef": {"name": "keys", "key": "api"}},
        parallelism={"tensor": 8},
    )
)


@pytest.mark.parametrize(
    ("broken", "reason", "told"),
    [
        (
            pod(ready=False, unschedulable="0/3 nodes are available: 3 Insufficient nvidia.com/gpu."),
            "InsufficientAccelerators",
            "spec.parallelism.tensor: 8",
        ),
        (
            pod(ready=False, unschedulable="0/3 nodes are available: 3 Insufficient hugepages-2Mi."),
            "InsufficientHugePages",
            "spec.placement.hugepages",
        ),
        (
            pod(ready=False, unschedulable='persistentvolumeclaim "models" not found'),
            "VolumeClaimNotFound",
            "spec.template names claim 'models', absent from namespace 'team-a'",
        ),
        (
            pod(ready=False, unschedulable="0/3 nodes are available: 3 node(s) had untolerated taint."),
            "Unschedulable",
            "untolerated taint",
        ),
        (
            pod(ready=False, waiting=("CreateContainerConfigError", 'secret "hub" not found')),
            "SecretNotFound",
            "spec.model.tokenSecretRef: Secret 'hub'",
        ),
        (
            pod(ready=False, waiting=("CreateContainerConfigError", 'secret "keys" not found')),
            "SecretNotFound",
            "spec.engine.apiKeySecretRef: Secret 'keys'",
        ),
        (
            pod(
                ready=False,
                waiting=("CreateContainerConfigError", "couldn't find key api in Secret team-a/keys"),
            ),
            "SecretKeyNotFound",
            "Secret 'keys' has no key 'api'",
        ),
        (
            pod(ready=False, waiting=("CreateContainerConfigError", 'configmap "rules" not found')),
            "ConfigMapNotFound",
            "spec.template: ConfigMap 'rules' does not exist in namespace 'team-a'",
        ),
        (
            pod(
                ready=False,
                waiting=("CreateContainerConfigError", "couldn't find key a in ConfigMap team-a/keys"),
            ),
            "ConfigMapKeyNotFound",
            "spec.template: ConfigMap 'keys' has no key 'a'",
        ),
        (
            pod(ready=False, waiting=("ImagePullBackOff", "Back-off pulling image")),
            "ImagePullFailed",
            "spec.engine.image: image 'example/vllm:1'",
        ),
        (
            pod(ready=False, waiting=("ErrImagePull", "denied"), container="sidecar"),
            "ImagePullFailed",
            "spec.template, container 'sidecar'",
        ),
        (
            pod(ready=False, terminated={"exitCode": 137, "reason": "OOMKilled"}),
            "OutOfMemory",
            "exit code 137 (raise its memory limit in spec.template",
        ),
        (
            pod(ready=False, terminated={"exitCode": 137, "reason": "Error"}),
            "ContainerCrashed",
            "exit code 137 (killed, as when a probe fails or memory runs out)",
        ),
        (
            pod(
                ready=False,
                terminated={
                    "exitCode": 128,
                    "reason": "StartError",
                    "message": "runc create failed: container init was OOM-killed (memory limit too low?)",
                },
            ),
            "OutOfMemory",
            "memory limit too low?",
        ),
    ],
)
def test_a_pod_that_cannot_serve_is_explained_by_field_and_reason(
    broken: Object, reason: str, told: str
) -> None:
    problem = diagnose(SERVICE, (broken,))

    assert problem is not None
    assert problem.reason == reason
    assert told in problem.message


def test_a_crash_is_explained_by_the_line_of_the_log_that_names_the_cause() -> None:
    log = "INFO\nValueError: max_num_batched_tokens (4) must be greater\nTrace\nRuntimeError: engine died"

    problem = diagnose(SERVICE, (pod(ready=False, terminated={"exitCode": 1, "message": log}),))

    assert problem is not None
    assert problem.reason == "ContainerCrashed"
    assert "ValueError: max_num_batched_tokens (4) must be greater" in problem.message
    assert "engine died" not in problem.message


def test_a_crash_of_the_past_is_no_problem_of_a_pod_that_serves() -> None:
    assert diagnose(SERVICE, (pod(ready=True, terminated={"exitCode": 1}),)) is None


def test_a_pod_on_its_way_out_is_passed_over() -> None:
    assert diagnose(SERVICE, (pod(ready=False, leaving=True, waiting=("ImagePullBackOff", "")),)) is None


def test_the_message_is_short_however_long_kubernetes_own_is() -> None:
    problem = diagnose(SERVICE, (pod(ready=False, unschedulable="x" * 5000),))

    assert problem is not None
    assert len(problem.message) <= 512


def test_a_pod_that_has_ended_for_good_is_passed_over() -> None:
    evicted = pod(ready=False, phase="Failed", terminated={"exitCode": 137})

    assert diagnose(SERVICE, (evicted,)) is None


def test_a_missing_claim_of_the_template_is_not_blamed_on_the_model() -> None:
    problem = diagnose(SERVICE, (pod(ready=False, unschedulable='persistentvolumeclaim "data" not found'),))

    assert problem is not None
    assert problem.message.startswith("spec.template names claim 'data'")


def test_a_container_that_never_ran_is_explained_in_the_runtimes_words() -> None:
    ended = {"exitCode": 128, "reason": "StartError", "message": "mkdir /proc/nope: no such file"}

    problem = diagnose(SERVICE, (pod(ready=False, terminated=ended),))

    assert problem is not None
    assert "mkdir /proc/nope: no such file" in problem.message


def test_an_image_that_the_template_names_is_not_blamed_on_the_engine() -> None:
    template = {"spec": {"containers": [{"name": "main", "image": "localhost/other:1"}]}}
    service = InferenceService.model_validate(service_object(template=template))

    problem = diagnose(service, (pod(ready=False, waiting=("ErrImagePull", "no such image")),))

    assert problem is not None
    assert problem.message.startswith("spec.template, container 'main'")


def test_pull_secrets_of_the_template_are_named_where_an_image_cannot_be_had() -> None:
    template = {"spec": {"imagePullSecrets": [{"name": "registry"}]}}
    service = InferenceService.model_validate(service_object(template=template))

    problem = diagnose(service, (pod(ready=False, waiting=("ErrImagePull", "unauthorized")),))

    assert problem is not None
    assert "give the namespace the pull secret 'registry'" in problem.message


def test_a_malformed_template_does_not_keep_a_problem_from_being_told() -> None:
    service = InferenceService.model_validate(service_object(template={"spec": "x"}))

    problem = diagnose(service, (pod(ready=False, waiting=("ErrImagePull", "no such image")),))

    assert problem is not None
