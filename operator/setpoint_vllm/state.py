"""What is believed in this API server: the newest limits file. The channel writes it, verdicts read it."""

from setpoint_vllm.limits_file import LimitsFile

believed = LimitsFile()
