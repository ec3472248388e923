import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from setpoint_vllm.backlog import Backlog


def server(monkeypatch: pytest.MonkeyPatch, directory: Path, pid: int) -> Backlog:
    monkeypatch.setattr("os.getpid", lambda: pid)
    return Backlog(directory)


def test_servers_of_one_engine_see_the_sum_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one, other = server(monkeypatch, tmp_path, 1), server(monkeypatch, tmp_path, 2)
    for each in (one, other):
        each.look_for_others()
    one.publish(3, 100)
    other.publish(4, 20)
    assert one.total() == other.total() == (7, 120)
    other.publish(0, 0)
    assert one.total() == (3, 100)


def test_more_than_a_share_can_hold_is_the_most_that_it_can(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one, other = server(monkeypatch, tmp_path, 1), server(monkeypatch, tmp_path, 2)
    one.look_for_others()
    other.publish(2**64, 2**63)
    assert one.total() == (2**63 - 1, 2**63 - 1)


def test_a_server_alone_has_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    alone = Backlog.of_this_engine()
    alone.publish(3, 100)
    alone.look_for_others()
    assert alone.total() == (3, 100)


def test_a_server_whose_file_is_gone_counts_no_longer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one, other = server(monkeypatch, tmp_path, 1), server(monkeypatch, tmp_path, 2)
    other.publish(4, 20)
    one.look_for_others()
    (tmp_path / "setpoint-backlog-2").unlink()
    one.look_for_others()
    assert one.total() == (0, 0)


def test_a_server_that_died_counts_no_longer(tmp_path: Path) -> None:
    one = Backlog(tmp_path)
    context = multiprocessing.get_context("spawn")
    has_published = context.Event()
    other = context.Process(target=publish_and_stay, args=(tmp_path, has_published))
    other.start()
    try:
        assert has_published.wait(60)
        one.look_for_others()
        assert one.total() == (4, 20)
    finally:
        other.kill()
        other.join()
    one.look_for_others()
    assert one.total() == (0, 0)


def publish_and_stay(directory: Path, has_published: Event) -> None:
    """Be another API server."""
    share = Backlog(directory)
    share.publish(4, 20)
    has_published.set()
    signal.pause()


def test_a_share_of_an_earlier_run_is_not_that_of_a_process_with_its_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of_another_process, of_a_server = (tmp_path / f"setpoint-backlog-{pid}" for pid in (os.getppid(), 2))
    for left in (of_another_process, of_a_server):
        left.write_bytes((50).to_bytes(8, "little") + (90_000).to_bytes(8, "little"))
    one = Backlog(tmp_path)
    one.look_for_others()
    assert one.total() == (0, 0)
    other = server(monkeypatch, tmp_path, 2)
    one.look_for_others()
    assert one.total() == (0, 0)
    other.publish(4, 20)
    assert one.total() == (4, 20)


def test_a_share_that_is_being_made_is_looked_for_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = server(monkeypatch, tmp_path, 1)
    (tmp_path / "setpoint-backlog-2").touch()
    one.look_for_others()
    assert one.total() == (0, 0)
    other = server(monkeypatch, tmp_path, 2)
    other.publish(4, 20)
    one.look_for_others()
    assert one.total() == (4, 20)


def test_a_server_that_cannot_share_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "nowhere"))
    alone = Backlog.of_this_engine()
    alone.publish(3, 100)
    assert alone.total() == (3, 100)
