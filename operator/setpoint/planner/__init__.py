"""First limits of an engine, before any traffic: from model, GPU and promise, by a model of a step's time.

Pure, and in closed form: no load is played. What it predicts is a prediction, and is never shown as measured.
"""
