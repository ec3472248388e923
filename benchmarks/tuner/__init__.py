"""What the tuner's search is worth, beside what else one could do."""
