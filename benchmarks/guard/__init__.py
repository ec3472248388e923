"""The guard on simulated engines in virtual time."""
