import time

import openai
import pytest
from conftest import user
from test_chat import CAPITAL


def test_stream_as_in_the_readme(client, model):
    stream = client.chat.completions.create(model=model, messages=user("hello there"), stream=True)

    text = ""
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""

    assert text == "You said: hello there"


def test_stream_helper_accumulates_the_reply_without_streaming(client, model):
    with client.chat.completions.stream(model=model, messages=user("hello there")) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_completion()
    whole = client.chat.completions.create(model=model, messages=user("hello there"))

    assert streamed.choices[0].message.content == whole.choices[0].message.content
    assert streamed.choices[0].finish_reason == whole.choices[0].finish_reason


def test_usage_is_last_if_requested(client, model):
    chunks = list(
        client.chat.completions.create(
            model=model,
            messages=user("hello there"),
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 6
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_usage_is_absent_by_default(client, model):
    chunks = list(
        client.chat.completions.create(model=model, messages=user("hello there"), stream=True)
    )

    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


@pytest.mark.parametrize("habit", ["groq=1", "bare=1", "fields=1", "crlf=1", "split=1", "finish=eos"])
def test_deviations_of_providers_are_hidden(client, model, habit):
    with client.chat.completions.stream(
        model=model,
        messages=user(f"hi [[script {habit}]]"),
        stream_options={"include_usage": True},
    ) as stream:
        for _ in stream:
            pass
        completion = stream.get_final_completion()

    assert completion.choices[0].message.content == "You said: hi"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == model


# wire 5.utf8
def test_characters_split_by_the_provider_arrive_whole(client, model):
    stream = client.chat.completions.create(
        model=model, messages=user("Grüße [[script utf8=1]]"), stream=True
    )

    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    assert text == "You said: Grüße — Grüße, 世界 👋🏽 naïve"


# wire 5.flush
def test_chunk_is_sent_before_the_provider_sends_the_next(client, model, release):
    stream = client.chat.completions.create(
        model=model, messages=user("[[script chunks=3 hold=1]]"), stream=True
    )
    texts = (chunk.choices[0].delta.content or "" for chunk in stream)

    assert "word1" in next(filter(None, texts))

    release()
    assert "".join(texts).split() == ["word2", "word3"]


def test_reasoning_is_passed_on(client, model):
    stream = client.chat.completions.create(
        model=model, messages=user("hi [[script reasoning=1]]"), stream=True
    )

    reasoning = ""
    for chunk in stream:
        reasoning += (chunk.choices[0].delta.model_extra or {}).get("reasoning_content") or ""

    assert reasoning == "Let me think."


# wire 1.3
def test_silent_provider_is_not_given_up(client, model):
    stream = client.chat.completions.create(
        model=model, messages=user("[[script chunks=2 gap=6500]]"), stream=True
    )

    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "word1 word2"


# wire 5.8
def test_leaving_a_stream_cancels_the_providers_answer(client, model, provider_stats):
    before = provider_stats()["cancelled"]
    stream = client.chat.completions.create(
        model=model, messages=user("[[script chunks=600 gap=100]]"), stream=True
    )
    for _, _ in zip(range(3), stream):
        pass

    stream.close()

    wait_until(lambda: provider_stats()["cancelled"] > before)


# wire 5.8
def test_leaving_a_silent_stream_cancels_the_providers_answer(client, model, provider_stats):
    before = provider_stats()["cancelled"]
    stream = client.chat.completions.create(
        model=model, messages=user("[[script silent=1]]"), stream=True
    )
    next(iter(stream))

    stream.close()

    wait_until(lambda: provider_stats()["cancelled"] > before)


# wire 1.2
@pytest.mark.parametrize("mishap", ["cut=5", "end=5", "error=5"])
def test_failure_in_the_middle_raises(client, model, mishap):
    stream = client.chat.completions.create(
        model=model, messages=user(f"[[script chunks=20 {mishap} gap=5]]"), stream=True
    )

    text = ""
    with pytest.raises(openai.APIError) as raised:
        for chunk in stream:
            text += chunk.choices[0].delta.content or ""

    assert text == "word1 word2 word3 word4 word5"
    assert raised.value.message
    assert raised.value.body["type"] and "code" in raised.value.body


def test_local_model_streams(client, local_model):
    stream = client.chat.completions.create(
        model=local_model, messages=CAPITAL, temperature=0, max_tokens=24, stream=True
    )

    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]

    assert "Paris" in "".join(pieces)
    assert len([piece for piece in pieces if piece]) > 3


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not true in time"
        time.sleep(0.02)
