"""`python -m e2e.prometheus`: build Prometheus and its image if they are not there, print where they are."""

import sys

from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import say
from e2e.prometheus import programs
from e2e.prometheus.image import image


def main() -> int:
    """Build; exit code 1 with one line where that fails."""
    try:
        print(programs.ensure(), image().tar, image().reference)
    except ClusterError as error:
        say(f"Prometheus: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
