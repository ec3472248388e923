"""From what an engine tells to the limits that it should keep. Pure: clock and readings are passed in.

- `promise`, `evidence`: what is promised, and what a window shows of it.
- `knobs`: the limits that may move, and how far.
- `guard`: a chain of policies, of which the first that has something to do proposes one change.
- `tuner`: one cycle: may the data be believed, are the limits in force, what does the guard say.
- `limits_file`: the file that brings the limits to the engine.
- `record`: a decision with all that it was made from, to be replayed.
"""
