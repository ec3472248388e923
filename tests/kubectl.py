"""kubectl, out of the binary that carries the API server of the tests."""

import subprocess

from tests.apiserver import find_binaries


def kubectl(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run kubectl and return how it ended. The fixture `api_server` sees to it that it is built."""
    directory = find_binaries()
    assert directory is not None
    return subprocess.run(
        ["kubectl", *arguments],
        executable=directory / "node",
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
