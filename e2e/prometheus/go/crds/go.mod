module setpoint.dev/e2e/prometheus/crds

go 1.26.0

// Nothing is built of it: only the files of its CustomResourceDefinitions are read.
require github.com/prometheus-operator/prometheus-operator v0.85.0
