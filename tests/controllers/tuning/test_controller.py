"""The tuner beside the InferenceService controller, on a real API server."""

import logging
from collections import Counter

import pytest

from setpoint.controllers.tuning.controller import FIELD_MANAGER, share_of
from setpoint.kube.client import KubeClient
from setpoint.kube.objects import Object
from setpoint.kube.resources import CONFIG_MAPS, INFERENCE_SERVICES
from setpoint.tuner.record import parse_record, replay
from tests.apiserver import ApiServer, until
from tests.controllers.inferenceservice.users import (
    NAME,
    condition,
    deployment,
    live,
    told,
)
from tests.controllers.tuning.running import SWITCH, tuned

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("crd")]


async def test_auto_lowers_the_budget_of_a_running_engine_and_changes_no_pod_template(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        before = await deployment(kube, namespace)
        await it.cycles(3)
        await it.cycles(3, bad_share=0.2)

        assert (await told(kube, namespace))["limits"] == {"tokens": 1024}
        checkpoint = await it.checkpoint()
        assert checkpoint is not None
        assert checkpoint["spec"]["limits"] == {"maxNumBatchedTokens": 1024}
        now = await live(kube, namespace)
        assert condition(now, "Tuning") == ("True", "Guarding")
        assert condition(now, "SLOMet") == ("False", "Missed")
        assert condition(now, "Ready") == ("True", "Routable")
        assert now["status"]["tuning"]["decisions"][0]["policy"] == "SmallerBudget"
        assert (await deployment(kube, namespace))["spec"] == before["spec"]


async def test_what_moved_is_in_the_log_as_a_record_that_comes_out_the_same(
    api_server: ApiServer, kube: KubeClient, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "setpoint.tuning.decisions")
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(3)
        await it.cycles(3, bad_share=0.2)

    (line,) = [each.getMessage() for each in caplog.records if each.name == "setpoint.tuning.decisions"]
    record = parse_record(line.removeprefix(f"{namespace}/{NAME}: "))
    assert record.after.knobs.tokens == 1024
    assert replay([record]) == []


@pytest.mark.parametrize(("bad_share", "met"), [(0.0, ("True", "Met")), (0.2, ("False", "Missed"))])
async def test_without_the_plugin_the_promise_is_held_against_histograms_and_no_limit_moves(
    api_server: ApiServer, kube: KubeClient, namespace: str, bad_share: float, met: tuple[str, str]
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        it.engine.has_plugin = False
        await it.cycles(10, bad_share=bad_share)

        now = await live(kube, namespace)
        assert condition(now, "SLOMet") == met
        assert condition(now, "Tuning") == ("False", "Unsupported")
        assert now["status"]["tuning"]["objectives"] == []
        assert (await told(kube, namespace))["limits"] == {}


async def test_histograms_are_asked_for_only_while_an_engine_judges_nothing(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(2)
        assert not it.engine.asked_for_histograms
        it.engine.has_plugin = False
        await it.cycles(2)
        assert it.engine.asked_for_histograms


async def test_recommend_says_what_it_would_do_and_writes_no_limit(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace, "Recommend") as it:
        await it.cycles(3)
        await it.cycles(3, bad_share=0.2)

        assert await it.checkpoint() is None
        assert (await told(kube, namespace))["limits"] == {}
        now = await live(kube, namespace)
        assert condition(now, "Tuning") == ("True", "Recommending")
        assert "maxNumBatchedTokens 1024" in now["status"]["tuning"]["recommendation"]


async def test_a_promise_that_is_kept_is_said_with_its_evidence(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(4, bad_share=0.01)

        now = await live(kube, namespace)
        assert condition(now, "SLOMet") == ("True", "Met")
        assert now["status"]["tuning"]["objectives"][0]["badShare"] == "1.0%"


async def test_the_start_values_are_said_also_by_a_tuner_that_starts_anew_and_is_told_nothing(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    start = {"maxNumBatchedTokens": 8192, "maxNumSeqs": 1024}
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(4)
        assert (await live(kube, namespace))["status"]["tuning"]["start"] == start
        await it.restart()
        it.engine.failure = "Prometheus: no answer"
        await it.cycles(25)

        now = await live(kube, namespace)
        assert condition(now, "SLOMet") == ("Unknown", "SignalLost")
        assert now["status"]["tuning"]["start"] == start


async def test_without_data_nothing_moves_and_the_promise_is_unknown(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(6, bad_share=0.2)
        limits = (await told(kube, namespace))["limits"]
        it.engine.failure = "Prometheus: no answer"
        await it.cycles(25)  # longer than a whole window of the promise

        assert (await told(kube, namespace))["limits"] == limits
        assert condition(await live(kube, namespace), "SLOMet") == ("Unknown", "SignalLost")


async def test_a_tuner_that_starts_anew_keeps_the_limits_that_it_finds(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(6, bad_share=0.2)
        before = await told(kube, namespace)
        decisions = (await live(kube, namespace))["status"]["tuning"]["decisions"]
        await it.restart()
        it.engine.failure = "Prometheus: no answer"
        await it.cycles(2)
        it.engine.failure = ""
        await it.cycles(2)

        assert (await told(kube, namespace))["limits"] == before["limits"]
        assert (await live(kube, namespace))["status"]["tuning"]["decisions"] == decisions


@pytest.mark.parametrize(
    ("mode", "requests_per_second"), [("Auto", 40.0), ("Recommend", 40.0), ("Auto", 0.0), ("Recommend", 0.0)]
)
async def test_a_tuner_that_starts_anew_writes_nothing_of_a_service_that_is_as_it_was(
    api_server: ApiServer, kube: KubeClient, namespace: str, mode: str, requests_per_second: float
) -> None:
    async with tuned(api_server, kube, namespace, mode) as it:
        it.engine.requests_per_second = requests_per_second
        await it.cycles(6)
        before = (await live(kube, namespace))["status"]["conditions"]
        await it.restart()
        it.running.forget_requests()
        await it.cycles(6)

        assert it.running.writes == []
        assert (await live(kube, namespace))["status"]["conditions"] == before


def test_the_first_figures_of_many_services_are_not_written_at_one_time() -> None:
    minutes = Counter(int(5 * share_of(f"0e7f7a3c-{number}")) for number in range(1000))
    assert sorted(minutes) == [0, 1, 2, 3, 4]
    assert max(minutes.values()) < 250


async def test_the_kill_switch_puts_the_start_values_back_in_one_cycle_without_prometheus(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(6, bad_share=0.2)
        assert (await told(kube, namespace))["limits"]
        it.engine.failure = "Prometheus: no answer"
        await kube.create(CONFIG_MAPS, namespace, switch(namespace, "true"))

        def is_seen() -> bool:
            return it.running.manager._informers[CONFIG_MAPS].store.get(namespace, SWITCH) is not None

        await until(is_seen)
        await it.cycles(1)

        assert (await told(kube, namespace))["limits"] == {}
        assert condition(await live(kube, namespace), "Tuning") == ("False", "KillSwitch")


async def test_leaving_auto_puts_the_start_values_back(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(6, bad_share=0.2)
        await it.change(tuning={"mode": "Recommend"})
        await it.cycles(1)

        assert (await told(kube, namespace))["limits"] == {}


async def test_a_ceiling_is_in_force_though_the_promise_is_kept_and_goes_with_auto(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        bounds = {"maxNumBatchedTokens": {"max": 512}, "maxNumSeqs": {"max": 64}}
        await it.change(tuning={"mode": "Auto", "bounds": bounds})
        await it.cycles(2)

        found = await told(kube, namespace)
        assert found["limits"] == {"tokens": 512, "seqs": 64}
        assert found["expires"]
        (decision,) = (await live(kube, namespace))["status"]["tuning"]["decisions"]
        assert (decision["policy"], decision["after"]) == (
            "Ceiling",
            {"maxNumBatchedTokens": 512, "maxNumSeqs": 64},
        )

        await it.change(tuning={"mode": "Recommend", "bounds": bounds})
        await it.cycles(1)
        assert (await told(kube, namespace))["limits"] == {}


async def test_leaving_auto_keeps_the_limits_where_that_is_asked_for(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(6, bad_share=0.2)
        before = await told(kube, namespace)
        await it.change(tuning={"mode": "Recommend", "onStop": "Keep"})
        await it.cycles(1)

        now = await told(kube, namespace)
        assert now["limits"] == before["limits"]
        assert "expires" not in now


async def test_an_engine_of_another_service_is_not_believed(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        it.engine.service = "somebody-else"
        await it.cycles(6, bad_share=0.2)

        assert (await told(kube, namespace))["limits"] == {}
        assert condition(await live(kube, namespace), "SLOMet") == ("Unknown", "SignalLost")


async def test_quiet_cycles_write_nothing(api_server: ApiServer, kube: KubeClient, namespace: str) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(6, bad_share=0.01)
        it.running.forget_requests()
        await it.cycles(10, bad_share=0.012)

        assert it.running.writes == []


async def test_one_look_that_fails_now_and_then_writes_no_status_and_two_in_a_row_do(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(6, bad_share=0.01)
        it.running.forget_requests()
        for _ in range(3):
            it.engine.failure = "Prometheus: no answer"
            await it.cycles(1)
            it.engine.failure = ""
            await it.cycles(3, bad_share=0.01)
        assert it.running.writes == []

        it.engine.failure = "Prometheus: no answer"
        await it.cycles(2)
        now = await live(kube, namespace)
        assert condition(now, "SLOMet") == ("Unknown", "SignalLost")
        assert condition(now, "Tuning") == ("False", "SignalLost")


async def test_a_promise_that_is_taken_back_takes_its_status_and_limits_with_it(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(6, bad_share=0.2)
        found = await live(kube, namespace)
        del found["spec"]["slo"], found["spec"]["tuning"]
        changed = await kube.replace(INFERENCE_SERVICES, namespace, NAME, found)
        await it.running.has_seen(INFERENCE_SERVICES, changed["metadata"]["resourceVersion"])
        await it.cycles(2)

        assert (await told(kube, namespace))["limits"] == {}
        now = await live(kube, namespace)
        assert "tuning" not in now["status"]
        assert {each["type"] for each in now["status"]["conditions"]} == {"Accepted", "Ready", "Progressing"}


async def test_both_controllers_share_the_status_and_neither_writes_the_others_part(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(4, bad_share=0.01)
        it.running.forget_requests()
        await it.change(replicas=2)
        await it.running.quiet()

        now = await live(kube, namespace)
        assert condition(now, "SLOMet") == ("True", "Met")
        managers = {
            entry["manager"]
            for entry in now["metadata"]["managedFields"]
            if entry.get("subresource") == "status"
        }
        assert managers == {"setpoint", FIELD_MANAGER}


def switch(namespace: str, value: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "namespace": namespace,
            "name": SWITCH,
            # As Helm leaves those of the chart.
            "labels": {
                "app.kubernetes.io/managed-by": "Helm",
                "app.kubernetes.io/component": "kill-switch",
            },
        },
        "data": {"killSwitch": value},
    }
