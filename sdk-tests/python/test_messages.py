"""Anthropic's SDK: POST /v1/messages as raw streams, through the helper `stream`, and whole; and the count of tokens."""

import anthropic
import pytest
from conftest import setting
from test_stream import wait_until

THINKING = {"type": "enabled", "budget_tokens": 2000}
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
SEARCHES = "[[script say='Let me look.' calls='web_search {\"query\": \"camels\"}']]"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ASK = pytest.mark.parametrize("ask", ["whole", "helper"])


@pytest.fixture
def claude():
    # Without retries, so that a test sees the first answer.
    base_url = setting("LLMPROXY_BASE_URL").removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, api_key=setting("LLMPROXY_KEY"), max_retries=0, timeout=60) as client:
        yield client


def asking(model, prompt, **fields):
    return {"model": model, "max_tokens": 3000, "messages": [{"role": "user", "content": prompt}], **fields}


def message_of(claude, ask, **request):
    if ask == "whole":
        return claude.messages.create(**request)
    with claude.messages.stream(**request) as stream:
        return stream.get_final_message()


@ASK
def test_message(claude, model, ask):
    message = message_of(claude, ask, **asking(model, "hello there", system="Be brief."))

    assert [(block.type, block.text) for block in message.content] == [("text", "You said: hello there")]
    assert message.stop_reason == "end_turn"
    assert message.model == model
    assert message.usage.input_tokens == 4
    assert message.usage.output_tokens == 4


def test_raw_stream(claude, model):
    events = list(claude.messages.create(**asking(model, "hello there"), stream=True))

    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0].message.usage.input_tokens > 0
    assert "".join(event.delta.text for event in events[2:6]) == "You said: hello there"


@ASK
@pytest.mark.parametrize("thinking", [{}, {"thinking": THINKING}], ids=["plain", "thinking"])
def test_tools_in_two_turns(claude, model, ask, thinking):
    request = asking(model, "Weather? [[script tools=2 reasoning=1]]", tools=[WEATHER], **thinking)

    message = message_of(claude, ask, **request)
    calls = [block for block in message.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"sunny in {call.input['location']}"} for call in calls]
    request["messages"] += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    answer = message_of(claude, ask, **request)

    assert message.stop_reason == "tool_use"
    assert [call.input for call in calls] == [{"location": "Paris"}, {"location": "Rome"}]
    assert answer.content[-1].text == "The tool said: sunny in Rome"


@ASK
def test_thinking(claude, model, ask):
    message = message_of(claude, ask, **asking(model, "[[script reasoning=1 chunks=1]]", thinking=THINKING))

    thought, text = message.content
    assert (thought.type, thought.thinking) == ("thinking", "Let me think.")
    assert thought.signature
    assert text.text == "word1"


@ASK
def test_server_search(claude, model, ask):
    message = message_of(claude, ask, **asking(model, SEARCHES, tools=[SEARCH]))

    assert [block.type for block in message.content] == ["text", "server_tool_use", "web_search_tool_result", "text"]
    assert message.content[1].input == {"query": "camels"}
    assert message.content[2].content[0].url == "https://example.com/found"
    assert message.usage.server_tool_use.web_search_requests == 1


def test_picture(claude, model):
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]

    message = claude.messages.create(**asking(model, content))

    assert message.content[0].text == "You said: What is this?"


def test_stop_at_the_limit(claude, model):
    assert claude.messages.create(**asking(model, "[[script chunks=1 finish=length]]")).stop_reason == "max_tokens"


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "helper"])
def test_failure_in_the_middle(claude, model, raw):
    request = asking(model, "[[script chunks=5 cut=2]]")
    said = ""

    with pytest.raises(anthropic.APIStatusError, match="connection to the provider") as failure:
        if raw:
            for event in claude.messages.create(**request, stream=True):
                said += event.delta.text if event.type == "content_block_delta" else ""
        else:
            with claude.messages.stream(**request) as stream:
                for text in stream.text_stream:
                    said += text

    assert said == "word1 word2"
    assert failure.value.body["error"]["type"] == "api_error"


def test_leaving_cancels_the_provider(claude, model, provider_stats):
    before = provider_stats()["cancelled"]

    with claude.messages.stream(**asking(model, "[[script chunks=1000 gap=20]]")) as stream:
        for _ in stream.text_stream:
            break

    wait_until(lambda: provider_stats()["cancelled"] > before)


@pytest.mark.parametrize(
    "fields, error",
    [
        ({"model": "nowhere/at-all"}, anthropic.NotFoundError),
        ({"messages": []}, anthropic.BadRequestError),
        ({"messages": [{"role": "user", "content": "[[script status=429]]"}]}, anthropic.RateLimitError),
        ({"messages": [{"role": "user", "content": "[[script status=500]]"}]}, anthropic.InternalServerError),
    ],
)
def test_errors(claude, model, fields, error):
    with pytest.raises(error) as failure:
        claude.messages.create(**{**asking(model, "hi"), **fields})

    assert failure.value.body["type"] == "error"
    assert failure.value.request_id.startswith("req_")
    assert failure.value.request_id == failure.value.body["request_id"]


def test_unknown_key(claude, model):
    with pytest.raises(anthropic.AuthenticationError):
        claude.with_options(api_key="sk-unknown").messages.create(**asking(model, "hi"))


def test_count_of_tokens(claude, model):
    def count(**fields):
        request = {"model": model, "messages": [{"role": "user", "content": "a" * 3500}], **fields}
        return claude.messages.count_tokens(**request).input_tokens

    assert 1000 <= count() <= 1010
    assert count(tools=[WEATHER]) > count() + 20


def test_local_model_counts_exactly(claude, local_model):
    request = asking(local_model, "What is the capital of France?")

    message = claude.messages.create(**request)
    del request["max_tokens"]

    assert message.content[0].text == "The capital of France is Paris."
    assert claude.messages.count_tokens(**request).input_tokens == message.usage.input_tokens


def test_list_of_models(claude, model):
    models = list(claude.models.list(limit=1000))

    assert models and all(each.type == "model" and each.display_name and each.created_at for each in models)
    assert claude.models.retrieve(model).id == model
