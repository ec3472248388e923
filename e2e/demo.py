"""`make demo`: a cluster, Setpoint by its chart, an InferenceService, a chat, and a promise that is held.

Says what it does at each step, can be run again, and leaves the cluster up.
"""

import argparse
import fcntl
import http.client
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from e2e import images, installation, tools
from e2e.clusters import Cluster, ClusterError, choose
from e2e.clusters.progress import say
from e2e.clusters.signals import unwind_when_told_to_end
from e2e.fakes.gpu import manifests as gpu
from e2e.installation import (
    HUB_NAMESPACE,
    HUB_URL,
    Kubectl,
    install_fake_gpus,
    install_hub,
    install_operator,
    kubectl_for,
    port_forward,
    wait_until,
)
from e2e.prometheus import api
from e2e.prometheus import image as prometheus
from e2e.story import Story

NAMESPACE = "demo"
NAME = "chat"
MODEL = "tiny-llama"
QUESTION = "What does a Kubernetes operator do?"
READY_SECONDS = 300
SEEN_SECONDS = 60
VALUES = (
    f"settings.huggingFaceEndpoint={HUB_URL}",
    "prometheus.install=true",
    "prometheus.scrapeInterval=1s",
    "tuning.interval=5s",
)
"""Of the chart. Whoever watches a demo waits for nothing."""
OTHER_NAMESPACES = (HUB_NAMESPACE, gpu.NAMESPACE, installation.NAMESPACE)
CRDS = ("crd/inferenceservices.setpoint.dev", "crd/tuningcheckpoints.setpoint.dev")
MARK = "setpoint.dev/demo"
"""Label of the demo's namespace, by which it knows a cluster that it has been on."""


def service(engine: str, image: images.Image) -> dict[str, Any]:
    """The InferenceService of the demo."""
    return {
        "apiVersion": "setpoint.dev/v1alpha1",
        "kind": "InferenceService",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "model": {"uri": images.MODEL_URI, "name": MODEL},
            "engine": {"image": image.reference, "args": list(images.ENGINE_ARGS[engine])},
            "replicas": 2 if engine == "stand-in" else 1,
        },
    }


def run(cluster: Cluster, engine: str) -> None:
    """Everything, in order."""
    tell("1/6 a cluster")
    cluster.up()
    with alone_on(cluster.kubeconfig):
        if cluster.name == "existing":
            claim(kubectl_for(cluster))
        _install_and_chat(cluster, engine)


@contextmanager
def alone_on(kubeconfig: Path) -> Iterator[None]:
    """Hold a cluster for this demo. Raises ClusterError while another demo, of whichever clone, holds it.

    The lock is the kernel's (flock on the kubeconfig): it ends with the process, however that ends.
    """
    with kubeconfig.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClusterError(
                f"another demo is at work on the cluster of {kubeconfig}: wait for it, or stop it"
            ) from None
        yield


def claim(kubectl: Kubectl) -> None:
    """Mark a cluster of somebody's as the demo's, by a label of its namespace.

    Raises ClusterError, and changes nothing, when it has no mark and anything of a name that the demo uses:
    the demo would write over it, and what is told at its end would delete it.
    """
    things = [f"namespace/{name}" for name in (NAMESPACE, *OTHER_NAMESPACES)]
    things += [*CRDS, f"clusterrole/{gpu.NAMESPACE}", f"clusterrolebinding/{gpu.NAMESPACE}"]
    present = kubectl.run("get", *things, "--ignore-not-found", "-o", "name").split()
    marked = kubectl.run("get", "namespace", "--selector", f"{MARK}=true", "-o", "name").split()
    if present and f"namespace/{NAMESPACE}" not in marked:
        raise ClusterError(
            f"the cluster of {kubectl.kubeconfig} has {', '.join(present)}, not by this demo, which would"
            " change or delete it: use another cluster"
        )
    kubectl.apply(namespace())


def namespace() -> dict[str, Any]:
    """The namespace of the demo, marked: an apply without the mark would take it away."""
    metadata = {"name": NAMESPACE, "labels": {MARK: "true"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _install_and_chat(cluster: Cluster, engine: str) -> None:
    kubectl = kubectl_for(cluster)

    tell("2/6 images")
    stand_in, operator = images.stand_in(), images.operator()
    served = stand_in if engine == "stand-in" else images.vllm_cpu()
    for image in {stand_in, operator, served}:
        cluster.load_image(image.tar, image.reference)
    prometheus.load(cluster)

    tell("3/6 Setpoint and a Prometheus by its Helm chart; stand-ins for GPUs and for the Hugging Face Hub")
    install_fake_gpus(kubectl, stand_in)
    install_hub(kubectl, stand_in)
    install_operator(cluster, operator, *VALUES)

    tell("4/6 kubectl apply of an InferenceService")
    manifest = service(engine, served)
    print(yaml.safe_dump(manifest, sort_keys=False).rstrip())
    kubectl.apply(namespace(), manifest)
    wait_until("the service is rolled out", lambda: _complete(kubectl), seconds=READY_SECONDS)

    tell("5/6 a chat with it, streamed")
    chat(kubectl)
    print(kubectl.run("get", "infsvc", "--namespace", NAMESPACE, "-o", "wide"))
    print(seen_by_prometheus(kubectl))

    tell("6/6 a promise under load: missed by default limits, held without a restart, and traffic turns")
    if engine == "stand-in":
        Story(kubectl, NAMESPACE, stand_in, operator).tell()
    else:
        say("left out: it takes a simulated GPU (make demo without ENGINE=vllm-cpu)")
    tell_how_to_go_on(cluster)


def tell(step: str) -> None:
    """Print the heading of a step."""
    say(f"\n=== {step}")


def _complete(kubectl: Kubectl) -> bool:
    found = kubectl.get("infsvc", NAME, "--namespace", NAMESPACE)
    status = found.get("status", {})
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    return any(item["reason"] == "Complete" for item in status["conditions"])


def chat(kubectl: Kubectl) -> None:
    """Ask one question and print the answer as it comes. Raises ClusterError when it does not come whole."""
    print(f"you:   {QUESTION}\nmodel:", end="", flush=True)
    with port_forward(kubectl, NAMESPACE, NAME) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        body = {
            "model": MODEL,
            "messages": [{"role": "user", "content": QUESTION}],
            "max_tokens": 40,
            "stream": True,
        }
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        if response.status != 200:
            raise ClusterError(f"the service answered {response.status}: {response.read().decode()}")
        done, gap = False, " "
        for line in response:
            data = line.decode().removeprefix("data: ").strip()
            done = done or data == "[DONE]"
            if data and data != "[DONE]":
                for choice in json.loads(data)["choices"]:
                    if content := choice["delta"].get("content"):
                        # Tokenizers differ in whether a first word brings its own space.
                        print(gap + content.lstrip() if gap else content, end="", flush=True)
                        gap = ""
    print("\n")
    if not done:
        raise ClusterError("the answer was cut off: see kubectl logs")


def seen_by_prometheus(kubectl: Kubectl) -> str:
    """What Prometheus knows of the service, in one line, once it has seen the chat."""
    series = f'{{namespace="{NAMESPACE}",setpoint_service="{NAME}"}}'
    with installation.prometheus_url(kubectl) as url:
        answered = f"sum(vllm:request_success_total{series})"
        wait_until(
            "Prometheus has seen it",
            lambda: any(sample.value > 0 for sample in api.query(url, answered)),
            seconds=SEEN_SECONDS,
        )
        engines = api.query(url, f"up{series} == 1")
        verdicts = api.query(url, f"sum by (verdict) (setpoint_requests_total{series})")
    counts = {sample.labels["verdict"]: sample.value for sample in verdicts}
    good, judged = counts.get("good", 0), counts.get("good", 0) + counts.get("bad", 0)
    share = f"{judged:.0f} requests judged, {good / judged:.0%} good" if judged else "no request judged"
    return f"Prometheus scrapes {len(engines)} engines of {NAME}: {share}\n"


def tell_how_to_go_on(cluster: Cluster) -> None:
    """What a person might do next."""
    say(
        f"""The cluster stays up. To go on:

  export KUBECONFIG={cluster.kubeconfig} PATH={cluster.kubectl.parent}:$PATH
  kubectl get infsvc -n {NAMESPACE} -w
  kubectl scale infsvc {NAME} -n {NAMESPACE} --replicas=3
  kubectl describe infsvc {NAME} -n {NAMESPACE}

{_how_to_end(cluster)}"""
    )


def _how_to_end(cluster: Cluster) -> str:
    if cluster.name != "existing":
        return "`make clean` ends it and takes away everything that it started."
    return f"""\
`make clean` leaves your cluster as it is. This takes away what the demo put into it but labels of its nodes:

  {tools.helm()} uninstall {installation.RELEASE} -n {installation.NAMESPACE}
  kubectl delete {" ".join(CRDS)}
  kubectl delete clusterrole,clusterrolebinding {gpu.NAMESPACE}
  kubectl delete namespace {" ".join(OTHER_NAMESPACES)} {NAMESPACE}"""


def main() -> int:
    """Run the demo; exit code 1 with one line where something is in the way."""
    parser = argparse.ArgumentParser(prog="python -m e2e.demo", description=__doc__)
    parser.add_argument("--engine", choices=("stand-in", "vllm-cpu"), default="stand-in")
    engine = parser.parse_args().engine
    unwind_when_told_to_end()
    try:
        run(choose(os.environ.get("SETPOINT_CLUSTER") or None), engine)
    except ClusterError as error:
        say(f"setpoint: {error}")
        return 1
    except SystemExit:
        say("setpoint: stopped; `make demo` goes on, `make clean` takes away a cluster that it started")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
