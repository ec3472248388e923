"""The simulator behind vLLM's HTTP API: `python -m setpoint.simulator.http serve MODEL` is `vllm serve MODEL`
without a GPU.

It keeps of vLLM 0.32:

- the command line: every option by name and type (flags.json, read from the real parser); it ends with 2 on
  an option it does not know and with 1, and vLLM's own words, on a value that does not fit;
- the start: the port is bound but refuses connections until the model is loaded; a model by repository name
  is fetched with `huggingface_hub` (HF_ENDPOINT, HF_TOKEN, HF_HOME), a path must hold a config.json;
- the HTTP API: /health, /ping, /version, /metrics, /tokenize, /v1/models, /v1/completions and
  /v1/chat/completions, plain and streamed, with the real error bodies, and a key (--api-key or VLLM_API_KEY)
  that guards /v1 only;
- the scheduler and the KV cache (`setpoint.simulator`), in real time, with the step times of a GPU;
- the metrics, by name, label and bucket;
- the stop: after SIGTERM /health stays 200 and new requests get 500 until what streams is done or
  --shutdown-timeout is over.

And of Setpoint's plugin in vLLM: the limits files, the gauges of what is in force, and the verdicts.

It is no model: it says the words of `words` in turn, and takes each word of a text for a token. Options that
have no part in the above are read and ignored. `settings` has its environment variables; it logs its command
line as one line of JSON, which tests read.
"""
