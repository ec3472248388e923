"""Engines in virtual time that are read and steered as real ones are: what benchmarks of the tuner share."""
