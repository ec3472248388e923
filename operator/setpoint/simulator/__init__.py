"""A continuous-batching engine without a GPU: vLLM V1's scheduler, and a model of how long its steps take.

Played in virtual time here; behind vLLM's HTTP API, in real time, in `http`.
"""
