"""What a model's config.json says about the work of one token: parameters, KV cache, attention."""

from dataclasses import dataclass
from typing import Any

_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A decoder-only transformer with gated MLPs, of Llama's kind, or a mixture of experts of Mixtral's."""

    layers: int
    hidden_size: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate_size: int
    """Of the dense MLP, or of one expert."""
    vocabulary: int
    tied_embeddings: bool
    bytes_per_parameter: int
    experts: int
    """1 for a dense model."""
    active_experts: int
    """Experts that a token goes through."""
    context_tokens: int
    """The longest context the model was made for."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ModelShape":
        """Read a config.json of Hugging Face. Raises ValueError that names a wrong or missing key."""
        if "quantization_config" in config:
            raise ValueError(
                "quantization_config: quantised weights are not modelled; give the 16-bit model's"
            )
        dtype = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")
        if dtype not in _BYTES:
            raise ValueError(f"torch_dtype: {dtype!r} is not modelled; known are {', '.join(_BYTES)}")
        heads = _whole(config, "num_attention_heads")
        hidden_size = _whole(config, "hidden_size")
        experts = next((_whole(config, key) for key in _EXPERTS if config.get(key)), 1)
        mlp = "moe_intermediate_size" if config.get("moe_intermediate_size") else "intermediate_size"
        return cls(
            layers=_whole(config, "num_hidden_layers"),
            hidden_size=hidden_size,
            heads=heads,
            kv_heads=_whole(config, "num_key_value_heads", heads),
            head_dim=_whole(config, "head_dim", hidden_size // heads),
            intermediate_size=_whole(config, mlp),
            vocabulary=_whole(config, "vocab_size"),
            tied_embeddings=bool(config.get("tie_word_embeddings", False)),
            bytes_per_parameter=_BYTES[dtype],
            experts=experts,
            active_experts=_whole(config, "num_experts_per_tok") if experts > 1 else 1,
            context_tokens=_whole(config, "max_position_embeddings"),
        )

    @property
    def attention_parameters(self) -> int:
        """Of all layers: the projections of queries, keys, values and output."""
        return 2 * self.layers * self.hidden_size * self.head_dim * (self.heads + self.kv_heads)

    @property
    def expert_parameters(self) -> int:
        """Of one expert in all layers: gate, up and down projection."""
        return 3 * self.layers * self.hidden_size * self.intermediate_size

    @property
    def head_parameters(self) -> int:
        """Of the layer that makes logits of hidden states."""
        return self.vocabulary * self.hidden_size

    @property
    def weight_bytes(self) -> int:
        """Memory that the weights take (norms and routers, well below 1 %, left out)."""
        embeddings = self.head_parameters * (1 if self.tied_embeddings else 2)
        parameters = self.attention_parameters + self.experts * self.expert_parameters + embeddings
        return parameters * self.bytes_per_parameter

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of one token in all layers, in the model's own dtype."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.bytes_per_parameter

    @property
    def flops_per_token(self) -> float:
        """Of the layers' matrix products: two for each parameter that the token goes through."""
        return 2.0 * (self.attention_parameters + self.active_experts * self.expert_parameters)

    @property
    def flops_per_sampled_token(self) -> float:
        """Of the logits of one sequence."""
        return 2.0 * self.head_parameters

    @property
    def flops_per_attention_pair(self) -> float:
        """Of one token that attends to one: a product with its key and one with its value, in all layers."""
        return 4.0 * self.layers * self.heads * self.head_dim

    def bytes_read(self, tokens: int) -> float:
        """Return the weight bytes that a step of so many tokens reads.

        Of a mixture of experts it reads those experts that at least one token goes through, on average, if
        each token chose its experts by chance.
        """
        read = 1.0 if self.experts == 1 else 1.0 - (1.0 - self.active_experts / self.experts) ** tokens
        parameters = self.attention_parameters + read * self.experts * self.expert_parameters
        return (parameters + self.head_parameters) * self.bytes_per_parameter


def _whole(config: dict[str, Any], key: str, default: int | None = None) -> int:
    value = config.get(key)
    value = default if value is None else value
    if value is None:
        raise ValueError(f"{key}: is missing")
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{key}: {value!r} is not a whole number of at least 1")
    return value
