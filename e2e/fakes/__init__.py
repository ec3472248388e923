"""Stand-ins for what a test machine lacks beside an inference engine: the Hugging Face Hub, GPUs.

They run from one image with the engine, which is `setpoint.simulator.http` (`python -m e2e.images stand-in`).
Each says at its head what it keeps of the real thing and what it does not.
"""
