"""The providers that do not speak OpenAI's format, through the gateway: the emulator of each refuses what the real one does."""

import json
import os

import openai
import pytest
from conftest import user
from pydantic import BaseModel
from test_tools import WEATHER

MODELS = [model for model in os.environ.get("LLMPROXY_OTHER_MODELS", "").split(",") if model]


@pytest.fixture(params=MODELS)
def other(request) -> str:
    """A model behind another wire format."""
    return request.param


class City(BaseModel):
    name: str


def test_chat(client, other):
    reply = client.chat.completions.create(
        model=other, messages=[{"role": "system", "content": "Be brief."}, *user("one two")]
    )

    assert reply.choices[0].message.content == "You said: one two"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.prompt_tokens_details.cached_tokens == 7
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_stream_with_usage(client, other):
    stream = client.chat.completions.create(
        model=other, messages=user("one two"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)

    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == "You said: one two"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 4


@pytest.mark.parametrize("effort", [None, "low"])
def test_tool_round_with_thoughts(client, other, effort):
    """The emulator refuses a second turn whose thoughts are missing or changed."""
    options = {"reasoning_effort": effort} if effort else {}
    messages = user("Weather? [[script tools=2 reasoning=1]]")
    with client.chat.completions.stream(
        model=other, messages=messages, tools=[WEATHER], **options
    ) as stream:
        message = stream.get_final_completion().choices[0].message

    assert [json.loads(call.function.arguments) for call in message.tool_calls] == [
        {"location": "Paris"},
        {"location": "Rome"},
    ]
    assert message.reasoning_content == "Let me think."
    # As most clients do: without the fields that the SDK does not know.
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
        for call in message.tool_calls
    ]
    messages += [{"role": "assistant", "content": None, "tool_calls": calls}]
    messages += [{"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in calls]
    final = client.chat.completions.create(model=other, messages=messages, tools=[WEATHER], **options)

    assert final.choices[0].message.content == "The tool said: sunny"


def test_structured_output(client, other):
    reply = client.chat.completions.parse(
        model=other, messages=user("Describe [[script json=1]]"), response_format=City
    )

    assert reply.choices[0].message.parsed == City(name="Paris")


def test_image(client, other):
    png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": png}}]
    reply = client.chat.completions.create(model=other, messages=[{"role": "user", "content": parts}])

    assert reply.choices[0].message.content == "You said: What?"


def test_rate_limit(client, other):
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model=other, messages=user("[[script status=429 retry_after=7]]"))

    assert limited.value.response.headers["retry-after"] == "7"


def test_failure_in_the_middle(client, other):
    stream = client.chat.completions.create(
        model=other, messages=user("[[script error=2]] one two three"), stream=True
    )
    with pytest.raises(openai.APIError):
        for _ in stream:
            pass
