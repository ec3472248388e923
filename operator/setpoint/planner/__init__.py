"""First limits of an engine, before any traffic: from model, GPU and promise, by a model of a step's time.

Pure, and in closed form: no load is played. What it predicts is a prediction, and is never shown as measured.
The tuner, which has measured steps to go by, walks through some hundred requests (`setpoint.tuner.forecast`):
enough to see gaps, too few for the queue before a first token to grow. Here the queue is in the formula.
"""
