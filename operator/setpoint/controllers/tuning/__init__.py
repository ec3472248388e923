"""The tuner of every service in the cluster: Prometheus in, TuningCheckpoints and status out.

It writes no limits file. What it wants stands in a TuningCheckpoint, from which the InferenceService
controller renders the file: a service's objects have one writer, and what is wanted outlives every crash.
"""
