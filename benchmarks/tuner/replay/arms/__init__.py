"""The arms: one module for each way to choose limits, and the registry of all."""
