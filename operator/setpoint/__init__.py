"""Setpoint: a Kubernetes operator for LLM serving that holds a latency promise."""
