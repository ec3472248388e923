import subprocess
import sys
from pathlib import Path

from e2e.clusters.local.lock import exclusive
from e2e.clusters.local.namespaces import REPOSITORY


def test_another_process_waits_and_says_so_until_the_lock_is_free(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from e2e.clusters.local.lock import exclusive\n"
        f"with exclusive(Path({str(tmp_path)!r}), 'cluster'): print('mine')"
    )
    with exclusive(tmp_path, "cluster"):
        other = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert other.stderr is not None
        assert other.stderr.readline() == f"cluster: waiting for another process that holds {tmp_path}\n"
        assert other.poll() is None
    assert other.communicate(timeout=60) == ("mine\n", "")
