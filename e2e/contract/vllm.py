"""The tests: a test module subclasses `VllmContract` and gives it a fixture `engine`, which names a running
server.

The server must have been started with an API key, --max-model-len=512 and the tiny model or one like it.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from e2e.contract import series
from e2e.contract.client import LEFT_TOKENS, Client, Engine, usage


class VllmContract:
    """The tests. Subclasses define the fixture `engine`."""

    @pytest_asyncio.fixture
    async def client(self, engine: Engine) -> AsyncIterator[Client]:
        """A client of the engine under test."""
        async with ClientSession() as session:
            yield Client(engine, session)

    @pytest.mark.parametrize("path", ["/health", "/ping", "/version", "/metrics"])
    async def test_answers_without_a_key(self, client: Client, path: str) -> None:
        assert (await client.get(path)).status == 200

    @pytest.mark.parametrize("key", [None, "wrong", "Bearer"])
    async def test_v1_needs_the_key(self, client: Client, key: str | None) -> None:
        reply = await client.get("/v1/models", key=key)
        assert (reply.status, reply.json) == (401, {"error": "Unauthorized"})

    async def test_lists_the_model_under_its_served_name(self, client: Client) -> None:
        reply = await client.get("/v1/models", key=client.engine.api_key)
        (model,) = reply.json["data"]
        assert (model["id"], model["object"], model["owned_by"], model["max_model_len"]) == (
            client.engine.model, "model", "vllm", 512)  # fmt: skip

    async def test_completes_a_prompt(self, client: Client) -> None:
        reply = (await client.complete(model=client.engine.model, ignore_eos=True)).json
        (choice,) = reply["choices"]
        assert (reply["object"], reply["model"]) == ("text_completion", client.engine.model)
        assert reply["id"].startswith("cmpl-")
        assert (choice["index"], choice["finish_reason"], len(choice["text"].split())) == (0, "length", 3)
        assert usage(reply) == (2, 3, 5)

    async def test_completes_a_chat(self, client: Client) -> None:
        reply = (await client.chat(ignore_eos=True)).json
        (choice,) = reply["choices"]
        assert reply["object"] == "chat.completion"
        assert reply["id"].startswith("chatcmpl-")
        assert (choice["message"]["role"], choice["finish_reason"]) == ("assistant", "length")
        assert len(choice["message"]["content"].split()) == 3
        assert usage(reply) == (5, 3, 8)

    async def test_max_completion_tokens_limits_a_chat(self, client: Client) -> None:
        reply = (await client.chat(max_tokens=None, max_completion_tokens=2, ignore_eos=True)).json
        assert usage(reply)[1] == 2

    async def test_streams_a_completion(self, client: Client) -> None:
        reply = await client.complete(stream=True, stream_options={"include_usage": True}, ignore_eos=True)
        *chunks, last = [json.loads(event) for event in reply.events[:-1]]
        assert (reply.status, reply.content_type, reply.events[-1]) == (200, "text/event-stream", "[DONE]")
        assert len("".join(chunk["choices"][0]["text"] for chunk in chunks).split()) == 3
        assert chunks[-1]["choices"][0]["finish_reason"] == "length"
        assert (last["choices"], usage(last)) == ([], (2, 3, 5))

    async def test_streams_a_chat_with_the_role_first(self, client: Client) -> None:
        reply = await client.chat(stream=True, ignore_eos=True)
        first, *chunks = [json.loads(event) for event in reply.events[:-1]]
        assert first["object"] == "chat.completion.chunk"
        assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        assert len("".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks).split()) == 3
        assert chunks[-1]["choices"][0]["finish_reason"] == "length"
        assert not any("usage" in chunk for chunk in chunks)

    async def test_an_unknown_model_is_404(self, client: Client) -> None:
        reply = await client.complete(model="nope")
        message = f"The model `nope` does not exist. Valid aliases: {client.engine.model}."
        error = {"message": message, "type": "NotFoundError", "param": "model", "code": 404}
        assert (reply.status, reply.json) == (404, {"error": error})

    @pytest.mark.parametrize(
        ("body", "param"),
        [({"prompt": ""}, "prompt"), ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": -3}, "max_tokens"),
         ({"max_tokens": 5000}, "max_tokens"), ({"max_tokens": "x"}, "body.max_tokens"),
         ({"min_tokens": 9}, None)],
    )  # fmt: skip
    async def test_a_bad_value_is_400_and_named(
        self, client: Client, body: dict[str, Any], param: str | None
    ) -> None:
        reply = await client.complete(**body)
        assert (reply.status, reply.json["error"]["code"], reply.json["error"]["param"]) == (400, 400, param)

    @pytest.mark.parametrize(
        ("body", "param"),
        [(b"{not json", "body.1"), (b"[]", "body"), (b"{}", "body.messages"),
         (b'{"messages": "x"}', "body.messages")],
    )  # fmt: skip
    async def test_a_bad_body_is_400_and_named(self, client: Client, body: bytes, param: str) -> None:
        reply = await client.post("/v1/chat/completions", body)
        assert (reply.status, reply.json["error"]["type"]) == (400, "Bad Request")
        assert reply.json["error"]["param"] == param

    async def test_a_prompt_longer_than_the_context_is_400(self, client: Client) -> None:
        reply = await client.complete(prompt=" ".join(["baba"] * 600))
        assert (reply.status, reply.json["error"]["param"]) == (400, "input_tokens")
        assert reply.json["error"]["message"].startswith(
            "This model's maximum context length is 512 tokens. "
        )

    async def test_a_body_of_another_type_is_400(self, client: Client) -> None:
        reply = await client.post("/v1/completions", b"prompt=x", **{"Content-Type": "text/plain"})
        assert reply.status == 400

    async def test_what_is_no_route_is_404_and_a_wrong_method_405(self, client: Client) -> None:
        replies = [
            await client.get("/nothing"),
            await client.get("/v1/completions", key=client.engine.api_key),
        ]
        assert [(reply.status, reply.json["detail"]) for reply in replies] == [
            (404, "Not Found"), (405, "Method Not Allowed")]  # fmt: skip

    async def test_takes_a_prompt_of_token_ids(self, client: Client) -> None:
        reply = (await client.complete(prompt=[11, 12, 13, 14], ignore_eos=True)).json
        assert usage(reply) == (4, 3, 7)

    async def test_counts_the_tokens_of_a_text_without_a_key(self, client: Client) -> None:
        reply = await client.post("/tokenize", {"prompt": "baba bebe"}, Authorization="")
        assert (reply.json["count"], len(reply.json["tokens"]), reply.json["max_model_len"]) == (2, 2, 512)

    async def test_counts_requests_and_tokens(self, client: Client) -> None:
        before = await client.samples()
        await client.complete(max_tokens=7, ignore_eos=True)
        grown = await _grown(client, before)
        expected = {
            ("vllm:prompt_tokens_total", ""): 2.0, ("vllm:generation_tokens_total", ""): 7.0,
            ("vllm:request_success_total", "length"): 1.0,
            ("vllm:time_to_first_token_seconds_count", ""): 1.0,
            ("vllm:inter_token_latency_seconds_count", ""): 6.0,
            ("vllm:e2e_request_latency_seconds_count", ""): 1.0,
            ("vllm:request_generation_tokens_bucket", "5.0"): 0.0,
            ("vllm:request_generation_tokens_bucket", "10.0"): 1.0,
            ("vllm:request_params_max_tokens_sum", ""): 7.0,
            ("vllm:request_prefill_kv_computed_tokens_sum", ""): 2.0,
            ("vllm:iteration_tokens_total_count", ""): 7.0, ("vllm:iteration_tokens_total_sum", ""): 9.0,
        }  # fmt: skip
        assert {key: grown.get(key, 0.0) for key in expected} == expected

    async def test_an_answer_of_one_token_has_no_gap_and_a_time_per_output_token_of_0(
        self, client: Client
    ) -> None:
        before = await client.samples()
        await client.complete(max_tokens=1)
        grown = await _grown(client, before)
        assert grown["vllm:inter_token_latency_seconds_count", ""] == 0
        assert grown["vllm:request_time_per_output_token_seconds_count", ""] == 1
        assert grown["vllm:request_time_per_output_token_seconds_bucket", "0.01"] == 1

    async def test_a_client_that_leaves_is_no_finished_request(self, client: Client) -> None:
        grown = await _grown_by_a_client_that_left_in_time(client)
        assert not any(grown[key] for key in grown if key[0] == "vllm:request_success_total")
        assert grown["vllm:e2e_request_latency_seconds_count", ""] == 0
        assert grown["vllm:time_to_first_token_seconds_count", ""] == 1

    async def test_the_times_of_a_request_add_up(self, client: Client) -> None:
        before = await client.samples()
        await client.complete(max_tokens=20, ignore_eos=True)
        grown = await _grown(client, before)
        queue, prefill, decode, inference = (
            grown[f"vllm:request_{part}_time_seconds_sum", ""]
            for part in ("queue", "prefill", "decode", "inference")
        )
        assert prefill + decode == pytest.approx(inference, abs=1e-4)
        assert 0 < queue + inference <= grown["vllm:e2e_request_latency_seconds_sum", ""] + 1e-4
        assert grown["vllm:inter_token_latency_seconds_sum", ""] == pytest.approx(decode, abs=1e-4)
        assert grown["vllm:request_time_per_output_token_seconds_sum", ""] == pytest.approx(
            decode / 19, abs=1e-4
        )

    async def test_a_prompt_that_comes_again_is_in_the_prefix_cache(self, client: Client) -> None:
        prompt = "bebe " * 150 + "baba " * 150
        await client.complete(prompt=prompt)
        before = await client.samples()
        await client.complete(prompt=prompt)
        grown = await _grown(client, before)
        hits = grown["vllm:prefix_cache_hits_total", ""]
        assert grown["vllm:prefix_cache_queries_total", ""] == 300
        assert 0 < hits < 300
        assert grown["vllm:request_prefill_kv_computed_tokens_sum", ""] == 300 - hits

    async def test_shows_every_series_of_vllm(self, client: Client) -> None:
        await client.complete()
        shown = series.parse((await client.get("/metrics")).text)
        for name, (kind, expected) in series.reference().items():
            assert name in shown
            assert shown[name][0] == kind
            assert expected <= shown[name][1], name


async def _grown_by_a_client_that_left_in_time(client: Client) -> dict[tuple[str, str], float]:
    """What grew by a request whose client left before its end; a quick engine may be done first: try on."""
    async with asyncio.timeout(60):
        while True:
            before = await client.samples()
            await client.leave()
            while (await client.samples())["vllm:num_requests_running", ""]:  # noqa: ASYNC110 - another program's
                await asyncio.sleep(0.05)
            grown = await _grown(client, before)
            if grown["vllm:generation_tokens_total", ""] < LEFT_TOKENS:
                return grown


async def _grown(client: Client, before: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {key: value - before.get(key, 0.0) for key, value in (await client.samples()).items()}
