"""The custom resources, as pydantic models: the only definition of the CRDs.

The CRD, its documentation, the checks that `setpoint validate` makes without a cluster, and the typed spec
that the controllers read all come from these classes. Nothing here reads a file, a clock or a network.
"""
