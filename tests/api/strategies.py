"""Objects between right and wrong, to find where Python and the API server disagree."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

_ANY_TEXT = st.text(max_size=12)
_PAGE_SIZES = ("64Ki", "2Mi", "1Gi", "1024Mi")
_WRONG_TYPES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.just([]), st.just({}), st.just(0.5), _ANY_TEXT
)


def _near(*good: str) -> st.SearchStrategy[str]:
    """Return texts that are right, right but for one piece put in, or anything."""
    pieces = st.sampled_from(
        ["\n", "\x00", " ", "-", ".", "..", "/", "@", "A", "0", "\u0660", "\u2028", "\x7f", "é", "'"]
    )
    broken = st.builds(
        lambda text, piece, at: text[: at % (len(text) + 1)] + piece + text[at % (len(text) + 1) :],
        st.sampled_from(good),
        pieces,
        st.integers(0, 40),
    )
    return _mostly(st.sampled_from(good), st.one_of(broken, _ANY_TEXT))


def _mostly(good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return `bad` now and then: an object of many fields is then refused about as often as accepted."""
    return st.integers(0, 19).flatmap(lambda roll: bad if roll == 0 else good)


def _fields(
    fields: Mapping[str, st.SearchStrategy[Any]], *, required: tuple[str, ...] = ()
) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with some of these fields, now and then of a wrong type, missing, or unknown."""
    values = {name: _mostly(value, _WRONG_TYPES) for name, value in fields.items()}
    whole = st.fixed_dictionaries(
        {name: values[name] for name in required},
        optional={name: value for name, value in values.items() if name not in required},
    )
    broken = st.fixed_dictionaries({"unknown": st.just(1)}, optional=values)
    return _mostly(whole, broken)


_DURATIONS = _mostly(
    _near("10s", "30m", "1h", "1m30s", "60s0ms"), _near("0s", "24h", "86400001ms", "99999h", "9s")
)
_SIZES = _mostly(_near("2Gi", "4Gi", "1Ti", "512Gi"), _near("64Ki", "3Mi", "99Ti", "1Mi"))
_SECRETS = _fields({"name": _near("hub", "a.b-c"), "key": _near("token", "A_b.c")}, required=("name", "key"))
_LIMITS = st.sampled_from([1, 64, 256, 257, 512, 2**31 - 1, 0, 2**31])
_BOUNDS = _fields({"min": _LIMITS, "max": _LIMITS}, required=())

_SPECS = _fields(
    {
        "model": _fields(
            {
                "uri": _near(
                    "hf://a/b", "hf://a/b@refs/pr/1", "pvc://claim", "pvc://a.b/c d/e", "file:///a/b"
                ),
                "name": _near("llama", "a b"),
                "tokenSecretRef": _SECRETS,
            },
            required=("uri",),
        ),
        "engine": _fields(
            {
                "type": _near("VLLM"),
                "version": _near("0.32.0", "1.2.3rc1"),
                "image": _near("vllm", "r.example:5000/a/b:c"),
                "args": st.lists(
                    _near("--seed=1", "--api-key=x", "--api_k", "--api", "-tp", "8"), max_size=4
                ),
                "apiKeySecretRef": _SECRETS,
                "startupTimeout": _DURATIONS,
                "drainTimeout": _DURATIONS,
            }
        ),
        "orchestration": _near("Deployment"),
        "parallelism": _fields({"tensor": st.sampled_from([1, 2, 64, 8, 4, 16, 32, 0, 65])}),
        "placement": _fields(
            {
                "accelerator": _fields({"type": _near("GPU")}),
                "hugepages": st.lists(
                    st.one_of(
                        st.fixed_dictionaries({"pageSize": st.sampled_from(_PAGE_SIZES), "size": _SIZES}),
                        _fields({"pageSize": _SIZES, "size": _SIZES}, required=("pageSize", "size")),
                    ),
                    max_size=3,
                ),
            }
        ),
        "replicas": st.sampled_from([0, 1, 2, 3, 1000, 999, 5, -1, 1001]),
        "slo": _fields(
            {
                "objectives": st.lists(
                    _fields(
                        {
                            "name": _near("first-token", "between-tokens", "a" * 63, "a" * 64),
                            "metric": _near("TimeToFirstToken", "InterTokenLatency"),
                            "threshold": _mostly(_near("60ms", "1s", "1m"), _near("0s", "1h", "61m")),
                            "percentile": st.sampled_from([50, 95, 99, 90, 75, 49, 100]),
                        },
                        required=("name", "metric", "threshold"),
                    ),
                    max_size=3,
                ),
                "window": _mostly(_near("5m", "30s", "1h"), _near("29s", "61m")),
            },
            required=("objectives",),
        ),
        "tuning": _fields(
            {
                "mode": _near("Recommend", "Disabled", "Auto"),
                "bounds": _fields({"maxNumBatchedTokens": _BOUNDS, "maxNumSeqs": _BOUNDS}),
                "onStop": _near("Restore", "Keep"),
            }
        ),
        "pricing": _fields(
            {"gpuHour": _mostly(_near("2.49", "3"), _near("-1", "2,49"))}, required=("gpuHour",)
        ),
        "template": st.dictionaries(_ANY_TEXT, _WRONG_TYPES, max_size=2),
    },
    required=("model",),
)


def inference_service_objects() -> st.SearchStrategy[dict[str, Any]]:
    """Return InferenceServices as they might be submitted."""
    names = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,60}[a-z0-9])?", fullmatch=True)
    return st.builds(
        lambda name, spec: {
            "apiVersion": "setpoint.dev/v1alpha1",
            "kind": "InferenceService",
            "metadata": {"name": name, "namespace": "default"},
            "spec": spec,
        },
        _mostly(st.just("chat"), names),
        _SPECS,
    )
