"""The verdicts that an engine counts, against those of the client."""
