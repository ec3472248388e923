"""Objects that break one rule each, and objects that break none, for Python and for the API server."""

from dataclasses import dataclass
from typing import Any

from tests.builders import inference_service_object


@dataclass(frozen=True)
class Refused:
    """An object with one fault: where it is, and a part of what is said of it by whom a rule speaks."""

    submitted: dict[str, Any]
    field: str
    message: str = ""

    def __str__(self) -> str:
        return f"{self.field}-{self.message[:30]}"


def _service(name: str = "chat", **fields: Any) -> dict[str, Any]:
    return inference_service_object(name, "default", **fields)


def _pages(*pages: tuple[str, str]) -> dict[str, Any]:
    return _service(placement={"hugepages": [{"pageSize": each, "size": size} for each, size in pages]})


_URI = "must be hf://ORGANISATION/NAME[@REVISION], pvc://CLAIM[/PATH] or file:///PATH"
_INSIDE = "must not contain the path elements . or .."
_TOKEN = {"name": "hub", "key": "token"}
_SECRET_NAME = "must be an object's name"
_VERSION = "must be a version such as 0.32.0, without a v"
_API_KEY = "must not contain --api-key"
_STARTUP = "must be a duration from 10s to 24h"
_DRAIN = "must be a duration from 0s to 1h"
_THRESHOLD = "must be a duration from 1ms to 1h"
_WINDOW = "must be a duration from 30s to 1h"
_LONG_WINDOW = "must be at least as long as every threshold"
_AUTO = "must not be Auto without a promise to keep: set spec.slo, or choose Recommend or Disabled"
_SEQS = "must be at most bounds.maxNumBatchedTokens.min, which is 256, or max where that is less, where it is"
_QUANTITY = "must be a whole number of Ki, Mi, Gi or Ti"
_NAME = "must be at most 52 lower-case letters, digits and -"
_LINE = "must be one line without control characters"
_KEY = "must be a key of a Secret"
_IMAGE = "must be an image such as registry.example/vllm:tag"

_TTFT = {"name": "first-token", "metric": "TimeToFirstToken", "threshold": "1s"}
_ITL = {"name": "between-tokens", "metric": "InterTokenLatency", "threshold": "60ms"}


def _slo(*objectives: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return _service(slo={"objectives": list(objectives), **fields})


def _tuning(**fields: Any) -> dict[str, Any]:
    return _service(slo={"objectives": [_ITL]}, tuning=fields)


def _bounds(**least: Any) -> dict[str, Any]:
    return _tuning(bounds={name: {"min": value} for name, value in least.items()})


def _ceilings(**most: Any) -> dict[str, Any]:
    return _tuning(bounds={name: {"max": value} for name, value in most.items()})


REFUSED = [
    *(
        Refused(_service(uri=uri), "spec.model.uri", _URI)
        for uri in (
            "llama",
            "s3://bucket/model",
            "hf://name-alone",
            "hf://a/b/c",
            "hf://a/b@",
            "hf://a/b@../x",
            "hf://a/b\n",
            "HF://a/b",
            "pvc://Claim/x",
            "pvc://claim/a\x00b",
            "file://relative/path",
            "file:///a\nb",
        )
    ),
    *(
        Refused(_service(uri=uri), "spec.model.uri", _INSIDE)
        for uri in (
            "pvc://claim/../other",
            "pvc://claim/a/..",
            "file:///models/./x",
            "file:///..",
            "hf://a/b@v1/../x",
        )
    ),
    Refused(_service(uri=""), "spec.model.uri"),
    Refused(_service(uri="file:///" + "x" * 1017), "spec.model.uri"),
    Refused(
        _service(uri="pvc://claim", model={"tokenSecretRef": _TOKEN}),
        "spec.model.tokenSecretRef",
        "is for hf:// models only",
    ),
    Refused(_service(model={"name": "a\nb"}), "spec.model.name", _LINE),
    Refused(_service(model={"name": "a\x00b"}), "spec.model.name", _LINE),
    Refused(_service(model={"name": ""}), "spec.model.name"),
    Refused(_service(model={"name": "\U0001f600" * 254}), "spec.model.name"),
    Refused(
        _service(model={"tokenSecretRef": {"name": "Hub", "key": "token"}}),
        "spec.model.tokenSecretRef.name",
        _SECRET_NAME,
    ),
    Refused(
        _service(model={"tokenSecretRef": {"name": "hub", "key": "a/b"}}),
        "spec.model.tokenSecretRef.key",
        _KEY,
    ),
    Refused(_service(model={"tokenSecretRef": {"name": "hub"}}), "spec.model.tokenSecretRef.key"),
    *(
        Refused(_service(engine={"version": version}), "spec.engine.version", _VERSION)
        for version in ("v0.32.0", "0.32", "latest", "0.32.0\n", "0.32.0-rc1")
    ),
    *(
        Refused(_service(engine={"image": image}), "spec.engine.image", _IMAGE)
        for image in ("vllm vllm", "vllm\n", "vllm:\u2028", "")
    ),
    *(
        Refused(_service(engine={"args": ["--seed=1", *args]}), "spec.engine.args", _API_KEY)
        for args in (["--api-key=secret"], ["--api_key", "secret"], ["--api-ke", "secret"])
    ),
    Refused(
        _service(engine={"args": ["--seed=\x00"]}), "spec.engine.args", "must not contain the character NUL"
    ),
    Refused(_service(engine={"args": ["x"] * 257}), "spec.engine.args"),
    Refused(_service(engine={"args": ["x" * 16385]}), "spec.engine.args[0]"),
    Refused(_service(engine={"args": [1]}), "spec.engine.args[0]"),
    Refused(_service(engine={"args": [None]}), "spec.engine.args[0]"),
    *(
        Refused(_service(engine={"startupTimeout": text}), "spec.engine.startupTimeout", _STARTUP)
        for text in (
            "9s",
            "24h1ms",
            "10",
            "",
            "1.5h",
            "-1m",
            "1d",
            "30 m",
            "30m\n",
            "99999h99999h",
            "10\u0660s",
        )
    ),
    Refused(_service(engine={"drainTimeout": "61m"}), "spec.engine.drainTimeout", _DRAIN),
    Refused(_service(engine={"version": 0.32}), "spec.engine.version"),
    Refused(_service(engine={"type": "SGLang"}), "spec.engine.type"),
    Refused(_service(engine="VLLM"), "spec.engine"),
    Refused(_service(orchestration="RayServe"), "spec.orchestration"),
    Refused(_service(placement={"accelerator": {"type": "H100"}}), "spec.placement.accelerator.type"),
    Refused(_service(parallelism={"tensor": 0}), "spec.parallelism.tensor"),
    Refused(_service(parallelism={"tensor": 65}), "spec.parallelism.tensor"),
    Refused(_service(parallelism={"tensor": "2"}), "spec.parallelism.tensor"),
    Refused(_service(replicas=-1), "spec.replicas"),
    Refused(_service(replicas=1001), "spec.replicas"),
    Refused(_pages(("2Mi", "3Mi")), "spec.placement.hugepages[0].size", "must be a multiple of pageSize"),
    Refused(_pages(("2Mi", "4GB")), "spec.placement.hugepages[0].size", _QUANTITY),
    Refused(_pages(("0Mi", "4Gi")), "spec.placement.hugepages[0].pageSize", _QUANTITY),
    Refused(_pages(("1Mi", "100Ti")), "spec.placement.hugepages[0].size", _QUANTITY),
    Refused(
        _pages(("1Gi", "1Gi"), ("1024Mi", "1Gi")),
        "spec.placement.hugepages",
        "must not name a page size twice",
    ),
    *(
        Refused(_slo(_TTFT | {"name": name}), "spec.slo.objectives[0].name", "must be lower-case letters")
        for name in ("First", "-a", "a.b", "a\n", 'a"b')
    ),
    *(
        Refused(_slo(_ITL | {"threshold": threshold}), "spec.slo.objectives[0].threshold", _THRESHOLD)
        for threshold in ("0s", "60", "2h", "0.06s")
    ),
    Refused(_slo(_ITL | {"metric": "itl"}), "spec.slo.objectives[0].metric"),
    Refused(_slo(_ITL, _ITL | {"name": "x"}), "spec.slo.objectives", "must not name a metric twice"),
    Refused(_slo(), "spec.slo.objectives"),
    Refused(_service(slo={}), "spec.slo.objectives"),
    *(
        Refused(_slo(_ITL | {"percentile": percentile}), "spec.slo.objectives[0].percentile")
        for percentile in (49, 100, "95", 99.9)
    ),
    *(
        Refused(_service(pricing={"gpuHour": text}), "spec.pricing.gpuHour", "must be an amount such as 2")
        for text in ("", "-1", "2,49", "$2", "1e3", ".5", "1234567")
    ),
    Refused(_service(pricing={}), "spec.pricing.gpuHour"),
    *(Refused(_slo(_ITL, window=text), "spec.slo.window", _WINDOW) for text in ("29s", "61m", "300", "5 m")),
    Refused(_slo(_ITL, _TTFT | {"threshold": "6m"}), "spec.slo.window", _LONG_WINDOW),
    Refused(_slo(_TTFT | {"threshold": "30001ms"}, window="30s"), "spec.slo.window", _LONG_WINDOW),
    Refused(_service(tuning={"mode": "Auto"}), "spec.tuning.mode", _AUTO),
    *(Refused(_tuning(mode=mode), "spec.tuning.mode") for mode in ("auto", "Off", False)),
    Refused(_tuning(onStop="Stay"), "spec.tuning.onStop"),
    Refused(_service(tuning="Auto"), "spec.tuning"),
    *(
        Refused(bounds(**{name: value}), f"spec.tuning.bounds.{name}.{end}")
        for bounds, end in ((_bounds, "min"), (_ceilings, "max"))
        for name in ("maxNumBatchedTokens", "maxNumSeqs")
        for value in (0, -1, 2**31, "8", 1.5)
    ),
    Refused(
        _tuning(bounds={"maxNumSeqs": {}}),
        "spec.tuning.bounds.maxNumSeqs.min",
        "must be given where max is not",
    ),
    *(
        Refused(
            _tuning(bounds={name: {"min": 65, "max": 64}}),
            f"spec.tuning.bounds.{name}.max",
            "must be at least min",
        )
        for name in ("maxNumBatchedTokens", "maxNumSeqs")
    ),
    Refused(
        _tuning(bounds={"maxNumSeqs": {"min": 65}, "maxNumBatchedTokens": {"max": 64}}),
        "spec.tuning.bounds.maxNumSeqs.min",
        _SEQS,
    ),
    Refused(_tuning(bounds={"maxNumSeqs": 8}), "spec.tuning.bounds.maxNumSeqs"),
    Refused(_bounds(maxNumSeqs=257), "spec.tuning.bounds.maxNumSeqs.min", _SEQS),
    Refused(_bounds(maxNumSeqs=65, maxNumBatchedTokens=64), "spec.tuning.bounds.maxNumSeqs.min", _SEQS),
    Refused(_service(template=[]), "spec.template"),
    Refused({**_service(), "spec": {}}, "spec.model"),
    Refused({**_service(), "spec": None}, "spec"),
    *(Refused(_service(name), "metadata.name", _NAME) for name in ("9chat", "a" * 53, "chat.v2")),
]

ACCEPTED = [
    _service(),
    _service("a" * 52),
    _service("a"),
    _service(
        uri="hf://meta-llama/Llama-3.1-8B-Instruct", model={"name": "llama 8b", "tokenSecretRef": _TOKEN}
    ),
    _service(uri="hf://a/b@refs/pr/1"),
    _service(uri="pvc://claim"),
    _service(uri="pvc://claim.x/a b/\u2028{{ x }}$(y)"),
    _service(uri="file:///..."),
    _service(uri="file:///" + "\U0001f600" * 1016),
    _service(model={"name": "'\"{{ x }}$(y)\u2028\u0085"}),
    _service(model={"name": None}),
    _service(engine=None),
    _service(engine={"version": "0.33.0rc1", "image": "r.example:5000/a/b@sha256:0123"}),
    _service(engine={"args": ["--seed=1\n\u2028{{ }}$(HOME)'\"", "", "--api-server-count=2", "a" * 16384]}),
    _service(engine={"startupTimeout": "10s", "drainTimeout": "0s"}),
    _service(engine={"startupTimeout": "23h59m60s", "drainTimeout": "1h0ms"}),
    _service(parallelism={"tensor": 64}, replicas=0),
    _slo(_TTFT, _ITL),
    _slo(_ITL | {"name": "a" * 63, "threshold": "1ms"}),
    *(_service(pricing={"gpuHour": text}) for text in ("0", "2", "2.49", "999999.999999")),
    _slo(_ITL | {"percentile": 50}, _TTFT | {"percentile": 99}, window="1h"),
    _slo(_ITL | {"threshold": "30s"}, _TTFT | {"threshold": "30000ms"}, window="30s"),
    _service(slo=None),
    _service(tuning=None),
    *(_service(tuning={"mode": mode}) for mode in ("Disabled", "Recommend")),
    *(_tuning(mode="Auto", onStop=on_stop) for on_stop in ("Restore", "Keep")),
    _tuning(mode=None, bounds={}),
    _bounds(maxNumSeqs=256),
    _bounds(maxNumBatchedTokens=1),
    _bounds(maxNumBatchedTokens=512, maxNumSeqs=512),
    _bounds(maxNumBatchedTokens=2**31 - 1, maxNumSeqs=2**31 - 1),
    _ceilings(maxNumBatchedTokens=1, maxNumSeqs=2**31 - 1),
    _tuning(bounds={"maxNumSeqs": {"min": 64, "max": 64}, "maxNumBatchedTokens": {"max": 64}}),
    _tuning(bounds={"maxNumSeqs": {"min": 256, "max": 512}, "maxNumBatchedTokens": {"max": 512}}),
    _pages(("2Mi", "4Gi"), ("1Gi", "1Ti")),
    _pages(("64Ki", "999936Ki")),
    *(_pages(("1Ki", size)) for size in ("999999Ki", "999999Mi", "99999Gi", "99Ti")),
    _service(
        template={"metadata": {"labels": {"a": "b"}}, "spec": {"anything": [1, 2.5, None, {"x": True}]}}
    ),
]
