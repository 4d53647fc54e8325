"""The asynchronous client. It has the same tests as the synchronous client, because it reads streams with different code."""

import asyncio
import json

import openai
import pytest
from conftest import user
from test_embeddings import LOCAL_EMBEDDING_MODEL, cosine
from test_server_tools import (
    ANSWER,
    CAMELS,
    MODES,
    SEARCH,
    USAGE,
    assert_cited,
    assert_one_search_is_shown,
    notifications,
    said_in,
)
from test_structured import PARIS, City
from test_stream import wait_until
from test_tools import WEATHER


@pytest.fixture
def run(base_url, key):
    """Runs a coroutine with a client without retries."""

    def run(work, api_key=key):
        async def with_client():
            async with openai.AsyncOpenAI(
                base_url=base_url, api_key=api_key, max_retries=0, timeout=60
            ) as client:
                return await work(client)

        return asyncio.run(with_client())

    return run


def test_lists_and_retrieves_models(run, model):
    async def work(client):
        return [each.id async for each in client.models.list()], await client.models.retrieve(model)

    listed, retrieved = run(work)

    assert "openai/gpt-4o-mini" in listed
    assert retrieved.id == model


def test_chat(run, model):
    completion = run(
        lambda client: client.chat.completions.create(model=model, messages=user("hello there"))
    )

    assert completion.choices[0].message.content == "You said: hello there"
    assert completion.usage.total_tokens == 6


def test_stream_as_in_the_readme(run, model):
    async def work(client):
        stream = await client.chat.completions.create(
            model=model, messages=user("hello there"), stream=True
        )
        text = ""
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
        return text

    assert run(work) == "You said: hello there"


def test_stream_helper_with_usage(run, model):
    async def work(client):
        async with client.chat.completions.stream(
            model=model,
            messages=user("hello there"),
            stream_options={"include_usage": True},
        ) as stream:
            pieces = [event.delta async for event in stream if event.type == "content.delta"]
            return pieces, await stream.get_final_completion()

    pieces, completion = run(work)

    assert [piece for piece in pieces if piece] == ["You", " said:", " hello", " there"]
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.total_tokens == 6


def test_streamed_tool_calls_round_trip(run, model):
    messages = user("What is the weather? [[script tools=2]]")

    async def work(client):
        async with client.chat.completions.stream(
            model=model, messages=messages, tools=[WEATHER]
        ) as stream:
            asked = (await stream.get_final_completion()).choices[0].message
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
            for call in asked.tool_calls
        ]
        return asked, await client.chat.completions.create(
            model=model, messages=[*messages, asked, *results], tools=[WEATHER]
        )

    asked, final = run(work)

    arguments = [json.loads(call.function.arguments) for call in asked.tool_calls]
    assert arguments == [{"location": "Paris"}, {"location": "Rome"}]
    assert final.choices[0].message.content == "The tool said: sunny"


def test_parse_returns_an_object_of_the_schema(run, model):
    completion = run(
        lambda client: client.chat.completions.parse(
            model=model, messages=user("[[script json=1]]"), response_format=City
        )
    )

    assert completion.choices[0].message.parsed == PARIS


def test_embeddings(run, model, provider):
    texts = ["one", "two"]

    reply = run(lambda client: client.embeddings.create(model=model, input=texts))

    own = provider.embeddings.create(model="scripted", input=texts, encoding_format="float")
    assert [each.embedding for each in reply.data] == [
        pytest.approx(each.embedding) for each in own.data
    ]


def test_local_embeddings(run, local_model):
    reply = run(
        lambda client: client.embeddings.create(
            model=LOCAL_EMBEDDING_MODEL, input=["The cat sleeps", "A kitten is sleeping"]
        )
    )

    assert cosine(*(each.embedding for each in reply.data)) > 0.7


def test_bad_key(run, model):
    with pytest.raises(openai.AuthenticationError) as raised:
        run(
            lambda client: client.chat.completions.create(model=model, messages=user("hi")),
            api_key="sk-nobody",
        )

    assert raised.value.code == "invalid_api_key"


@MODES
def test_server_tools_stream(run, model, mode):
    async def work(client):
        stream = await client.chat.completions.create(
            model=model,
            messages=CAMELS,
            tools=[SEARCH],
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=said_in(mode),
        )
        return [chunk async for chunk in stream]

    *chunks, last = run(work)

    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == ANSWER
    assert [delta.tool_calls for delta in deltas] == [None] * len(deltas)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert last.usage.model_dump(exclude_none=True) == USAGE
    extras = [delta.model_extra or {} for delta in deltas]
    assert_cited(sum((extra.get("annotations", []) for extra in extras), []))
    if mode == "hybrid":
        assert_one_search_is_shown(notifications(chunks))
    else:
        assert notifications(chunks) == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "change, error, code, param",
    [
        ({"model": "nowhere/at-all"}, openai.NotFoundError, "model_not_found", "model"),
        ({"messages": []}, openai.BadRequestError, "invalid_value", "messages"),
    ],
    ids=["unknown model", "invalid body"],
)
def test_refused(run, model, change, error, code, param, stream):
    request = {"model": model, "messages": user("hi"), "stream": stream, **change}

    with pytest.raises(error) as raised:
        run(lambda client: client.chat.completions.create(**request))

    assert (raised.value.code, raised.value.param) == (code, param)


@pytest.mark.parametrize("mishap", ["cut=5", "end=5", "error=5"])
def test_failure_in_the_middle_raises(run, model, mishap):
    pieces = []

    async def work(client):
        stream = await client.chat.completions.create(
            model=model, messages=user(f"[[script chunks=20 {mishap} gap=5]]"), stream=True
        )
        async for chunk in stream:
            pieces.append(chunk.choices[0].delta.content or "")

    with pytest.raises(openai.APIError) as raised:
        run(work)

    assert "".join(pieces) == "word1 word2 word3 word4 word5"
    assert raised.value.message


@pytest.mark.parametrize("script", ["chunks=600 gap=100", "silent=1"])
@pytest.mark.parametrize("way", ["close", "task"])
def test_leaving_a_stream_cancels_the_providers_answer(run, model, provider_stats, script, way):
    """The stream is closed explicitly, or by the cancelled task that reads it, as in a web server whose client leaves."""
    before = provider_stats()["cancelled"]

    async def work(client):
        arrived = asyncio.Event()

        async def read():
            async with await client.chat.completions.create(
                model=model, messages=user(f"[[script {script}]]"), stream=True
            ) as stream:
                async for _ in stream:
                    arrived.set()
                    if way == "close":
                        return

        reading = asyncio.create_task(read())
        await arrived.wait()
        if way == "task":
            reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled() == (way == "task")
        # The client must still be open, because its end closes all connections.
        await asyncio.to_thread(wait_until, lambda: provider_stats()["cancelled"] > before)

    run(work)
