"""The only package that talks to Prometheus.

- `promql`: queries, built from parts of which none can become another.
- `settings`: where Prometheus is, and what it asks of those who ask it.
- `transport`, `deadline`, `answer`, `client`: one query; what came back is checked before it is believed.
- `scrape`, `pods`: one cycle for all services, sorted by pods; which of them may be believed.
"""
