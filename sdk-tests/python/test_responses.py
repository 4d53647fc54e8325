"""The Responses API with openai-python: raw streams and the strict helper."""

import json
import time

import openai
import pytest

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
    "strict": True,
}
REASONING = {"summary": "auto"}


def raw(client, **fields):
    """The response of a stream that is read event by event."""
    last = None
    text = ""
    for event in client.responses.create(stream=True, **fields):
        if event.type == "response.output_text.delta":
            text += event.delta
        last = event
    assert last.type in ("response.completed", "response.incomplete"), last.type
    assert last.response.output_text == text
    return last.response


def helper(client, **fields):
    """The response of the helper, which fails on events that do not fit together."""
    with client.responses.stream(**fields) as stream:
        for _ in stream:
            pass
        return stream.get_final_response()


def whole(client, **fields):
    return client.responses.create(**fields)


WAYS = pytest.mark.parametrize("ask", [raw, helper, whole])


@WAYS
def test_answer_with_usage(client, model, ask):
    response = ask(client, model=model, input="hello there")

    assert response.output_text == "You said: hello there"
    assert response.status == "completed"
    assert response.model == model
    assert response.usage.input_tokens == 2
    assert response.usage.output_tokens == 4
    assert response.usage.total_tokens == 6


@WAYS
def test_two_tool_calls_and_their_results(client, model, ask):
    items = [{"role": "user", "content": "What is the weather? [[script tools=2]]"}]
    first = ask(client, model=model, input=items, tools=[WEATHER])

    calls = [item for item in first.output if item.type == "function_call"]
    assert [json.loads(call.arguments) for call in calls] == [{"location": "Paris"}, {"location": "Rome"}]
    items += [item.model_dump(exclude_unset=True) for item in first.output]
    items += [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
    second = ask(client, model=model, input=items, tools=[WEATHER])

    assert second.output_text == "The tool said: sunny"


@WAYS
def test_reasoning_summary_and_sealed_reasoning(client, model, ask):
    response = ask(
        client,
        model=model,
        input="hi [[script reasoning=1]]",
        reasoning=REASONING,
        include=["reasoning.encrypted_content"],
        store=False,
    )

    reasoning, message = response.output
    assert reasoning.type == "reasoning"
    assert reasoning.summary[0].text == "Let me think."
    assert reasoning.encrypted_content
    assert message.type == "message"


@WAYS
def test_previous_response_without_a_pause(client, model, ask):
    previous = None
    for turn in ("one", "two", "three", "four"):
        response = ask(client, model=model, input=turn, previous_response_id=previous)
        assert response.output_text == f"You said: {turn}"
        previous = response.id
    # Three turns before it: the prompt has all words.
    assert response.usage.input_tokens == 4 + 3 * 3


def test_remembered_responses(client, model):
    response = client.responses.create(model=model, input="hi")

    assert client.responses.retrieve(response.id).output_text == response.output_text
    (item,) = client.responses.input_items.list(response.id).data
    assert item.content[0].text == "hi"
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(response.id)
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_count_of_input_tokens(client, model):
    assert client.responses.input_tokens.count(model=model, input="hello there").input_tokens > 0


@pytest.mark.parametrize("mishap", ["cut=2", "error=2", "garbage=2"])
def test_failure_in_the_middle_of_a_raw_stream(client, model, mishap):
    with pytest.raises(openai.APIError) as raised:
        raw(client, model=model, input=f"[[script chunks=5 {mishap}]]")

    assert "openai" in raised.value.message


def test_failure_in_the_middle_of_the_helper(client, model):
    with pytest.raises(openai.APIError) as raised:
        helper(client, model=model, input="[[script chunks=5 cut=2]]")

    assert "openai" in raised.value.message


def test_failure_before_the_stream(client, model):
    with pytest.raises(openai.BadRequestError):
        raw(client, model=model, input="[[script status=400 code=bad_thing]]")
    with pytest.raises(openai.BadRequestError):
        raw(client, model="nowhere/at-all", input="hi")


def test_cut_answer_is_incomplete(client, model):
    response = raw(client, model=model, input="[[script chunks=2 finish=length]]")

    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"


@WAYS
def test_server_search_is_a_web_search_call(client, model, ask):
    prompt = "What are camels? [[script calls='web_search {\"query\": \"camels\"}']]"
    response = ask(client, model=model, input=prompt, tools=[{"type": "web_search"}])

    search, message = response.output
    assert search.type == "web_search_call"
    assert search.action.query == "camels"
    (cited,) = message.content[0].annotations
    assert message.content[0].text[cited.start_index : cited.end_index] == cited.url


@WAYS
def test_custom_tool(client, model, ask):
    response = ask(
        client,
        model=model,
        input="[[script calls='note {\"input\": \"a text\"}']]",
        tools=[{"type": "custom", "name": "note"}],
    )

    (call,) = response.output
    assert (call.type, call.name, call.input) == ("custom_tool_call", "note", "a text")


def test_structured_output_of_the_helper(client, model):
    from pydantic import BaseModel

    class City(BaseModel):
        city: str
        people: int

    parsed = client.responses.parse(model=model, input="[[script json=1]]", text_format=City)

    assert parsed.output_parsed == City(city="Paris", people=42)


def test_silent_provider(client, model):
    response = helper(client, model=model, input="[[script chunks=1 gap=5500]]")

    assert response.output_text == "word1"


def test_leaving_cancels_the_provider(client, model, provider_stats):
    before = provider_stats()["cancelled"]
    stream = client.responses.create(model=model, input="[[script chunks=500 gap=20]]", stream=True)
    for event in stream:
        if event.type == "response.output_text.delta":
            break
    stream.close()

    deadline = time.monotonic() + 30
    while provider_stats()["cancelled"] == before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
