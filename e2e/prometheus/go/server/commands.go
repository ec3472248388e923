//go:build tools

// Package server keeps the Prometheus server's commands among this module's requirements.
package server

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
