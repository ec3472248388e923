"""What the simulator behind HTTP can stream on one core, and how true to its schedule."""
