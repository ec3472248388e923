"""How near the simulator comes to a measured H100, and how fast it is."""
