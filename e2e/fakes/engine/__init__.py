"""A stand-in for vLLM that needs no GPU, no torch and 60 MB.

It keeps of vLLM 0.32:

- the command line: `vllm serve MODEL` knows every option by name and type (flags.json, read from the real
  parser), ends with 2 on one it does not know and with 1, and vLLM's own words, on a value that does not fit;
- the start: the port is bound but refuses connections until the model is loaded; a model by repository name
  is fetched with `huggingface_hub` (HF_ENDPOINT, HF_TOKEN, HF_HOME), a path must hold a config.json;
- the HTTP API: /health, /ping, /version, /metrics, /v1/models, /v1/completions and /v1/chat/completions,
  plain and streamed, with the real error bodies, and a key (--api-key or VLLM_API_KEY) that guards /v1 only;
- continuous batching in outline: --max-num-seqs requests run at once, the others wait, first come first
  served, and with --max-num-queued-reqs of them under way the next is refused with 503;
- the stop: after SIGTERM /health stays 200 and new requests get 500 until what streams is done or
  --shutdown-timeout is over.

It is no model: it says the words of `e2e.fakes.words` in turn, at a steady pace that does not depend on the
load, and counts a prompt's tokens by its words. Options that have no part in the above are read and ignored.
How it behaves is set by the environment (`behaviour.Behaviour`). It logs its command line as one line of
JSON, which tests read.
"""
