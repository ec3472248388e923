"""A real Prometheus where no image of it can be pulled: built from its Go module, with promtool.

The chart names the version, `go/server` locks it. It finds targets in Kubernetes only and has no pages, so
that building it takes minutes less; scraping, storing, rules and the API are whole.

`python -m e2e.prometheus` builds it and prints where it is; of the rest: `image` for the local cluster,
`api` asks one, `crds` are those of the Prometheus Operator.
"""
