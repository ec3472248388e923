"""Load tests: a realistic load on an OpenAI-compatible endpoint, and numbers that can be trusted."""
