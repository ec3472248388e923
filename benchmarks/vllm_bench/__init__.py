"""`setpoint loadtest` against `vllm bench serve`: the same load on the same endpoint, by turns."""
