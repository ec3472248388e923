"""A tiny random Llama, made by code: 2.3 million weights, 4.7 MB, nothing downloaded.

It has every file that vLLM and transformers ask of a model repository, so that real vLLM loads and serves it;
it says nothing but nonsense. The tokenizer knows one token for each of its words and one for all others.
"""

import json
import random
import struct
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from setpoint.simulator.http.words import words

HIDDEN, INTERMEDIATE, LAYERS, HEADS, KV_HEADS, VOCABULARY = 256, 512, 2, 4, 2, 2048
MAX_POSITIONS = 4096
_SPECIAL = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>"]
_CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ ' <|' + message['role'] + '|> ' + message['content'] }}"
    "{% endfor %}{% if add_generation_prompt %}{{ ' <|assistant|>' }}{% endif %}"
)


def files() -> dict[str, bytes]:
    """The repository's files by name. The same bytes at every call."""
    return {
        "config.json": _json(_config()),
        "generation_config.json": _json({"bos_token_id": 1, "eos_token_id": 2}),
        "model.safetensors": _safetensors(_tensors()),
        "tokenizer.json": _json(_tokenizer()),
        "tokenizer_config.json": _json(_tokenizer_config()),
    }


def _config() -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": MAX_POSITIONS,
        "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False,
        "attention_bias": False, "mlp_bias": False, "bos_token_id": 1, "eos_token_id": 2,
        "torch_dtype": "bfloat16",
    }  # fmt: skip


def _tokenizer() -> dict[str, Any]:
    vocabulary = [*_SPECIAL, *words(VOCABULARY - len(_SPECIAL))]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for number, token in enumerate(_SPECIAL)
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: number for number, word in enumerate(vocabulary)},
                  "unk_token": "<unk>"},
    }  # fmt: skip


def _tokenizer_config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_POSITIONS, "unk_token": "<unk>",
        "bos_token": "<s>", "eos_token": "</s>", "chat_template": _CHAT_TEMPLATE,
    }  # fmt: skip


def _tensors() -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight, as transformers names them for Llama."""
    key_value = HIDDEN // HEADS * KV_HEADS
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN)}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}"
        shapes |= {
            f"{prefix}.input_layernorm.weight": (HIDDEN,),
            f"{prefix}.self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            f"{prefix}.self_attn.k_proj.weight": (key_value, HIDDEN),
            f"{prefix}.self_attn.v_proj.weight": (key_value, HIDDEN),
            f"{prefix}.self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            f"{prefix}.post_attention_layernorm.weight": (HIDDEN,),
            f"{prefix}.mlp.gate_proj.weight": (INTERMEDIATE, HIDDEN),
            f"{prefix}.mlp.up_proj.weight": (INTERMEDIATE, HIDDEN),
            f"{prefix}.mlp.down_proj.weight": (HIDDEN, INTERMEDIATE),
        }
    return {**shapes, "model.norm.weight": (HIDDEN,), "lm_head.weight": (VOCABULARY, HIDDEN)}


def _safetensors(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """Weights in the safetensors format (github.com/huggingface/safetensors, "Format"): length, JSON header,
    data.

    Each weight is one of 256 evenly likely values of a normal distribution, written as bfloat16: the upper
    two of a float32's four bytes.
    """
    normal = NormalDist(0.0, 0.02)
    values = [struct.pack("<f", normal.inv_cdf((index + 0.5) / 256)) for index in range(256)]
    low, high = bytes(value[2] for value in values), bytes(value[3] for value in values)
    generator = random.Random(0)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = bytearray()
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        tensor = bytearray(2 * count)
        if len(shape) == 1:  # a norm's weights: one
            tensor[:] = struct.pack("<f", 1.0)[2:] * count
        else:
            choice = generator.randbytes(count)
            tensor[0::2], tensor[1::2] = choice.translate(low), choice.translate(high)
        header[name] = {
            "dtype": "BF16",
            "shape": list(shape),
            "data_offsets": [len(data), len(data) + len(tensor)],
        }
        data += tensor
    encoded = _json(header)
    encoded += b" " * (-len(encoded) % 8)
    return struct.pack("<Q", len(encoded)) + encoded + bytes(data)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()
