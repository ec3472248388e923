"""What Setpoint expects of an engine that speaks vLLM's HTTP API: the same tests for the simulator and for
real vLLM.
"""
