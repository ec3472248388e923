"""What an engine tells of itself, and what follows from two such tellings. Pure: nothing here reads anything.

- `series`, `exposition`: samples, and the text format in which an engine serves them.
- `reading`: one engine at one moment, raw counters since its start.
- `histogram`: how many latencies lie beyond a threshold that is none of the edges.
- `window`: what happened between two readings, and whether it may be believed.
"""
