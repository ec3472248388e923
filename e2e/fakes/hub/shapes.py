"""The shape of a model without its weights: what an engine takes to compute follows from it.

Nothing but the simulator can serve it: real vLLM finds no weights.
"""

import json

FILES = {
    "config.json": json.dumps(
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": 32000,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "max_position_embeddings": 8192,
            "torch_dtype": "bfloat16",
        }
    ).encode()
}
"""An 8B Llama's config.json, with a small vocabulary."""
