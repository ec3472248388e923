"""Stand-ins for what a test machine lacks: an inference engine, the Hugging Face Hub, GPUs.

All of them run from one image (`python -m e2e.images stand-in`). Each says at its head what it keeps of the
real thing and what it does not.
"""
