import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.clusters import ClusterError
from e2e.clusters.local import gobuild, namespaces

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="go builds the node's programs")


@pytest.fixture(name="module")
def _module(tmp_path: Path) -> Path:
    """A program of the standard library alone."""
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example.com/it\n\ngo 1.21\n")
    (module / "main.go").write_text('package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("it") }\n')
    return module


@pytest.fixture(name="cold")
def _cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled yet, not even the standard library."""
    monkeypatch.setenv("GOCACHE", str(tmp_path / "go-build"))


def mentioned_in_processes(path: Path) -> bool:
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(file.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return any(str(path) in command for command in commands)


@pytest.mark.usefixtures("cold")
def test_a_build_makes_a_program_and_tells_how_far_it_is(
    module: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gobuild.build("build it", module, ["."], [], output=tmp_path / "it")
    assert subprocess.check_output([tmp_path / "it"], text=True) == "it\n"
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("build it: done, ")
    assert int(last.split()[3]) > 10


def test_a_failing_build_shows_what_go_said(module: Path, tmp_path: Path) -> None:
    (module / "main.go").write_text("package main\n\nfunc main() { undefinedName() }\n")
    with pytest.raises(ClusterError, match="undefined: undefinedName"):
        gobuild.build("build it", module, ["."], [], output=tmp_path / "it")


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_build_leaves_no_compiler_behind(
    module: Path, tmp_path: Path, number: signal.Signals
) -> None:
    call = f"gobuild.build('it', Path({str(module)!r}), ['.'], [], output=Path({str(tmp_path / 'it')!r}))"
    script = f"from pathlib import Path; from e2e.clusters.local import gobuild; {call}"
    deadline = time.monotonic() + 60
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=namespaces.REPOSITORY, stderr=subprocess.DEVNULL, process_group=0
    ) as build:
        while not any(tmp_path.glob("go-build/*/*-d")):
            assert build.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        build.send_signal(number)
    while mentioned_in_processes(tmp_path / "it"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
