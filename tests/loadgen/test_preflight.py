import pytest
from aiohttp import web

from setpoint.loadgen import preflight as preflight_module
from setpoint.loadgen.client import Endpoint
from setpoint.loadgen.preflight import EndpointError, Ready, preflight
from setpoint.loadgen.prompts import Prompts
from tests.loadgen import endpoint as does
from tests.loadgen.endpoint import MODEL, Behaviour, FakeEndpoint


async def look(
    endpoint: FakeEndpoint,
    *,
    url: str | None = None,
    model: str = MODEL,
    key: str | None = None,
    tokenizer: bool = False,
    timeout_seconds: float = 30.0,
) -> Ready:
    known = Endpoint(url or endpoint.url, model, "chat", api_key=key)
    return await preflight(known, Prompts("salt"), tokenizer=tokenizer, timeout_seconds=timeout_seconds)


async def test_prompts_are_calibrated_by_the_usage(endpoint: FakeEndpoint) -> None:
    ready = await look(endpoint)  # which counts a token for each word and two around them
    assert (ready.prompts.tokens_per_word, ready.prompts.overhead_tokens) == (1.0, 2.0)
    assert (ready.engine, ready.token_counts) == ("0.32.0", "usage")
    assert "no tokenizer" in ready.notes[0]


async def test_a_tokenizer_that_counts_like_the_endpoint_is_trusted(endpoint: FakeEndpoint) -> None:
    ready = await look(endpoint, tokenizer=True)
    assert (ready.token_counts, ready.notes) == ("tokenizer", [])


async def test_an_endpoint_that_refuses_ignore_eos_is_asked_without(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.knows_no_ignore_eos
    ready = await look(endpoint)
    assert not ready.endpoint.exact_length
    assert "does not honour ignore_eos" in ready.notes[0]


async def test_shorter_answers_than_asked_for_are_expected_from_then_on(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.falls_short
    assert not (await look(endpoint)).endpoint.exact_length


async def test_missing_usage_is_said(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.counts_nothing
    assert "sends no usage" in (await look(endpoint)).notes[0]


async def test_several_tokens_a_chunk_are_said(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.at_once
    assert "8 tokens came in 1 chunk: ITL is between chunks" in (await look(endpoint)).notes[0]


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (does.html, "answers HTML"),
        (does.whole, "does not stream.*application/json"),
        (does.babbles, "streams no OpenAI chunks"),
        (does.nests, "streams no OpenAI chunks.*nested too deeply"),
        (does.counts_to_infinity, "streams no OpenAI chunks.*'inf' is no number of tokens"),
        (does.never_ends_a_line, "without an end"),
        (does.never_ends_an_error, "without an end"),
        (does.has_a_giant_header, "does not answer"),
        (does.fails_within, "stream_error.*out of memory"),
        (does.sheds, "answers 503.*overloaded"),
        (does.stops, "cut"),
        (does.takes_short_prompts, "answers 400.*maximum context length is 100 tokens"),
        (does.cuts, "cuts its answer to /v1/chat/completions before the end"),
    ],
)
async def test_what_cannot_be_put_under_load_is_told(
    endpoint: FakeEndpoint, behaviour: Behaviour, said: str
) -> None:
    endpoint.behaviour = behaviour
    with pytest.raises(EndpointError, match=f"--url: {endpoint.url}.*{said}"):
        await look(endpoint)


@pytest.mark.parametrize("behaviour", [does.never_ends, does.hangs])
async def test_an_answer_without_an_end_is_told(endpoint: FakeEndpoint, behaviour: Behaviour) -> None:
    endpoint.behaviour = behaviour
    with pytest.raises(EndpointError, match=r"did not answer .* within 0\.2 s"):
        await look(endpoint, timeout_seconds=0.2)


async def test_a_stream_far_beyond_what_was_asked_for_is_refused_before_the_timeout(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight_module, "_MOST_EVENTS", 20)
    endpoint.behaviour = does.never_ends
    with pytest.raises(EndpointError, match=r"more than 20 events .* 8 tokens .* max_tokens"):
        await look(endpoint, timeout_seconds=300.0)


async def test_an_endpoint_that_is_not_there_is_told(endpoint: FakeEndpoint) -> None:
    said = r"127\.0\.0\.1:9 does not answer /v1/models: Connection refused: is it running"
    with pytest.raises(EndpointError, match=said):
        await look(endpoint, url="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (web.Response(status=404), "not OpenAI-like: it has no /v1/models"),
        (web.Response(text="<html>", content_type="text/html"), "answers HTML"),
        (web.json_response(["m"]), "not OpenAI-like"),
        (web.Response(text="hello"), "not OpenAI-like"),
        (web.Response(text="[" * 100_000), "not OpenAI-like"),
    ],
)
async def test_an_endpoint_that_is_not_like_openai_is_told(
    endpoint: FakeEndpoint, models: web.Response, said: str
) -> None:
    endpoint.models = lambda: models
    with pytest.raises(EndpointError, match=said):
        await look(endpoint)


async def test_an_unknown_model_is_told_with_those_that_are_known(endpoint: FakeEndpoint) -> None:
    with pytest.raises(EndpointError, match=r"--model: 'other' is unknown.*it has m"):
        await look(endpoint, model="other")


async def test_names_of_models_cannot_command_a_terminal(endpoint: FakeEndpoint) -> None:
    names = ["\033[2J", *map(str, range(1000))]
    endpoint.models = lambda: web.json_response({"data": [{"id": name} for name in names]})
    with pytest.raises(EndpointError) as told:
        await look(endpoint, model="other")
    assert str(told.value).isprintable()
    assert str(told.value).endswith("it has '\\x1b[2J', 0, 1, 2, 3, 4, 5, 6, 7, 8, ...")


async def test_a_key_is_needed_and_taken_from_the_environment(endpoint: FakeEndpoint) -> None:
    endpoint.key = "secret"
    with pytest.raises(EndpointError, match="set OPENAI_API_KEY") as told:
        await look(endpoint, key="wrong")
    assert "wrong" not in str(told.value)
    assert (await look(endpoint, key="secret")).engine == "0.32.0"
