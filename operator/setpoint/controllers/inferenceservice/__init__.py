"""Keeps the objects behind every InferenceService as its spec says, and says truthfully how that stands."""
