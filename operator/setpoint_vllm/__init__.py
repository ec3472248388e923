"""What runs inside vLLM: its limits move without a restart, and it counts who kept the promise.

A plain folder on PYTHONPATH, switched on by `--middleware setpoint_vllm.middleware.Setpoint`. It uses nothing
but the standard library and what vLLM itself installs, and runs on every Python that vLLM runs on.

- `engine_core` (entry point vllm.general_plugins) sets the scheduler's limits between two steps.
- `verdicts` (entry point vllm.stat_logger_plugins) judges every latency and every sequence.
- `middleware` (in each API server) follows the limits files, holds start-up until their limits are in force,
  closes paths that answer without a key, and sheds.

Internals of vLLM are looked for before they are touched. What does not fit is told on /metrics and in the
log, and changes nothing.
"""
