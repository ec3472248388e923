"""The planner's first limits against what was measured on an H100, and against a sweep of the simulator."""
