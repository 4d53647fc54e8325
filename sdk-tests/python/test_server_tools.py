"""Tools that the server runs. The client gets notifications in the form that it chooses, and never a call to run."""

import json

import openai
import pytest
from conftest import user
from test_tools import WEATHER

SEARCH = {"type": "web_search"}
SCRIPT = "[[script say='Let me look.' calls='web_search {\"query\": \"camels\"}%s']]"
CAMELS = user("What are camels? " + SCRIPT % "")
CAMELS_THEN_WEATHER = user(SCRIPT % ' | get_weather {"location": "Paris"}')
FOUND = [{"title": "searxng on camels", "url": "https://example.com/found", "snippet": "camels & more"}]
RESULT = json.dumps({"engine": "searxng", "results": FOUND}, separators=(",", ":"))
ANSWER = f"Let me look.\n\nThe tool said: {RESULT}"
USAGE = {"prompt_tokens": 28, "completion_tokens": 12, "total_tokens": 40}  # of both turns

MODES = pytest.mark.parametrize("mode", ["hybrid", "comment", "off"])
WAYS = {
    "type": {"tools": [SEARCH]},
    "function without parameters": {
        "tools": [{"type": "function", "function": {"name": "web_search"}}]
    },
    "web_search_options": {"web_search_options": {}},
}


def said_in(mode):
    return {"X-Tool-Notifications": mode}


def notifications(chunks):
    return [chunk.model_extra for chunk in chunks if "tool" in chunk.model_extra]


def assert_one_search_is_shown(shown):
    call_id = shown[0]["call_id"]
    begun = {"tool": "web_search", "status": "started", "query": "camels", "call_id": call_id}
    assert call_id and shown[0] == begun
    assert {**shown[1], "duration_ms": 0} == begun | {
        "status": "completed",
        "result": "1 result from searxng",
        "duration_ms": 0,
        "results": FOUND,
    }
    assert type(shown[1]["duration_ms"]) is int
    assert len(shown) == 2


def assert_cited(annotations):
    (citation,) = [annotation["url_citation"] for annotation in annotations]
    assert (citation["title"], citation["url"]) == (FOUND[0]["title"], FOUND[0]["url"])
    assert ANSWER[citation["start_index"] : citation["end_index"]] == FOUND[0]["url"]


@MODES
def test_stream_as_in_the_readme(client, model, mode):
    stream = client.chat.completions.create(
        model=model, messages=CAMELS, tools=[SEARCH], stream=True, extra_headers=said_in(mode)
    )

    text, chunks = "", []
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        chunks.append(chunk)

    assert text == ANSWER
    assert [chunk.choices[0].delta.tool_calls for chunk in chunks] == [None] * len(chunks)
    finished = [chunk.choices[0].finish_reason for chunk in chunks]
    assert finished == [None] * (len(chunks) - 1) + ["stop"]
    extras = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
    assert_cited(sum((extra.get("annotations", []) for extra in extras), []))
    if mode == "hybrid":
        assert_one_search_is_shown(notifications(chunks))
    else:
        assert notifications(chunks) == []


@pytest.mark.parametrize("way", WAYS)
def test_notification_is_between_earlier_text_and_the_answer_by_default(client, model, way):
    stream = client.chat.completions.create(
        model=model, messages=CAMELS, stream=True, **WAYS[way]
    )

    text, seen = "", []
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        if "tool" in chunk.model_extra:
            seen.append((chunk.model_extra["tool"], chunk.model_extra["status"], text))

    assert seen == [
        ("web_search", "started", "Let me look."),
        ("web_search", "completed", "Let me look."),
    ]
    assert text == ANSWER


@MODES
def test_stream_helper(client, model, mode):
    with client.chat.completions.stream(
        model=model,
        messages=CAMELS,
        web_search_options={},
        stream_options={"include_usage": True},
        extra_headers=said_in(mode),
    ) as stream:
        kinds = {event.type for event in stream}
        completion = stream.get_final_completion()

    assert completion.choices[0].message.content == ANSWER
    assert completion.choices[0].message.tool_calls is None
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.model_dump(exclude_none=True) == USAGE
    assert not any("tool" in kind for kind in kinds)


@MODES
def test_without_streaming(client, model, mode):
    completion = client.chat.completions.create(
        model=model, messages=CAMELS, tools=[SEARCH], extra_headers=said_in(mode)
    )

    message = completion.choices[0].message
    assert (message.content, message.tool_calls) == (ANSWER, None)
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.model_dump(exclude_none=True) == USAGE
    assert_cited([annotation.model_dump() for annotation in message.annotations])
    if mode == "hybrid":
        assert_one_search_is_shown(completion.model_extra["tool_notifications"])
    else:
        assert "tool_notifications" not in completion.model_extra


@MODES
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_clients_function_after_a_servers_tool(client, model, mode, stream):
    messages = list(CAMELS_THEN_WEATHER)
    request = {"model": model, "tools": [SEARCH, WEATHER], "extra_headers": said_in(mode)}

    def answer():
        if not stream:
            return client.chat.completions.create(messages=messages, **request)
        with client.chat.completions.stream(messages=messages, **request) as chunks:
            return chunks.get_final_completion()

    asked = answer().choices[0]
    (call,) = asked.message.tool_calls
    assert asked.finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "get_weather",
        {"location": "Paris"},
    )

    messages += [
        asked.message.model_dump(include={"role", "content", "tool_calls"}),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    final = answer().choices[0]

    assert (final.message.content, final.message.tool_calls) == ("The tool said: sunny", None)
    assert final.finish_reason == "stop"


def test_unknown_form_of_notifications_is_rejected(client, model):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(
            model=model, messages=CAMELS, tools=[SEARCH], extra_headers=said_in("loud")
        )

    assert raised.value.code == "invalid_value"
