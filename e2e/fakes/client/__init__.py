"""A client that asks at a steady rate and counts what became of each request; for tests under load."""
