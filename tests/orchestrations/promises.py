"""A promise, as a person writes it."""

SLO = {
    "objectives": [
        {"name": "first-token", "metric": "TimeToFirstToken", "threshold": "1s"},
        {"name": "between-tokens", "metric": "InterTokenLatency", "threshold": "60ms"},
    ]
}
