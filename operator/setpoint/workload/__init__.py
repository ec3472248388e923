"""What a load is made of, in pure functions: how long requests are, when they come, when one is good.

Shared by the load test (`loadgen`), which sends a load to a real endpoint, and the simulator, which plays the
same load in virtual time.
"""
