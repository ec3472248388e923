"""What a question to Prometheus can end in."""


class PrometheusError(Exception):
    """There is no answer to believe: says the metric that was asked for and what came instead, no secret."""


class AnswerError(ValueError):
    """The same inside this package, before the metric is known: a clause that follows its name."""
