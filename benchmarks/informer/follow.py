"""The program that is measured: `follow.py IMPLEMENTATION KUBECONFIG EXPECTED_OBJECTS`.

It writes a line of JSON when it is synced, and another for every line that it reads.
"""

import asyncio
import sys

if __name__ == "__main__":
    implementation, kubeconfig, expected = sys.argv[1:]
    if implementation == "ours":
        from benchmarks.informer import ours

        asyncio.run(ours.follow(kubeconfig))
    else:
        from benchmarks.informer import official

        official.follow(kubeconfig, int(expected), models=implementation == "official-models")
