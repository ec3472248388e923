"""The only package that talks to Kubernetes.

It works on raw API objects (dictionaries as JSON decodes them), knows nothing of Setpoint's own kinds beyond
their address, and keeps what a controller needs apart from what it decides: `client` and `connection`
(requests), `informer` and `store` (the cache), `workqueue` (which key next), `election` (who may write),
`apply` and `compare` (write only what differs).
"""
