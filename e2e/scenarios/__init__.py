"""What a user does, on a cluster with Setpoint installed by its chart: any cluster that `e2e.clusters`
provides.
"""
