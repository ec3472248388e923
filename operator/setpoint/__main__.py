"""`python -m setpoint`: the command line, where the script `setpoint` is not installed."""

import sys

from setpoint.cli import main

if __name__ == "__main__":
    sys.exit(main())
