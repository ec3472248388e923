"""Real vLLM on a real H100: the rows that the simulator and the docs stand on."""
