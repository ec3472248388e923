"""Which informer: the official client's thread per kind, or our own on asyncio. `python -m
benchmarks.informer`.
"""
