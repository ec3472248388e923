"""From what an engine tells to the limits that it should keep. Pure: clock and readings are passed in.

- `promise`, `evidence`: what is promised, and what a window shows of it.
- `knobs`: the limits that may move, and how far.
- `guard`: a chain of policies, of which the first that has something to do proposes one change.
- `belief`, `stepcost`, `learning`: what an engine's own figures teach of the time that a step takes.
- `batching`, `forecast`: what steps, and what clients, would see under other limits.
- `planning`: the limits that would sustain most, by what is known. `search`: those to try next, by visits.
- `tuner`: one cycle: may the data be believed, are the limits in force, what does the guard say.
- `limits_file`: the file that brings the limits to the engine.
- `record`: a decision with all that it was made from, to be replayed.
"""
