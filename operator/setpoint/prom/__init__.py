"""The only package that talks to Prometheus.

- `promql`: queries, built from parts of which none can become another.
"""
