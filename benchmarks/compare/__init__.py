"""How often `setpoint compare` calls equal runs different, and how often it sees a true difference."""
