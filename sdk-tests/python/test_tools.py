import json

import pytest
from conftest import user

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string"}},
            "required": ["location"],
        },
    },
}


def test_streamed_tool_calls_round_trip(client, model):
    messages = user("What is the weather? [[script tools=2]]")
    calls = {}
    stream = client.chat.completions.create(
        model=model, messages=messages, tools=[WEATHER], stream=True
    )
    for chunk in stream:
        choice = chunk.choices[0]
        for fragment in choice.delta.tool_calls or []:
            call = calls.setdefault(fragment.index, {"arguments": ""})
            if fragment.id:
                call |= {"id": fragment.id, "name": fragment.function.name}
            call["arguments"] += fragment.function.arguments or ""

    assert choice.finish_reason == "tool_calls"
    assert [json.loads(call["arguments"]) for call in calls.values()] == [
        {"location": "Paris"},
        {"location": "Rome"},
    ]

    messages.append(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": call["id"],
                    "type": "function",
                    "function": {"name": call["name"], "arguments": call["arguments"]},
                }
                for call in calls.values()
            ],
        }
    )
    messages += [
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in calls.values()
    ]
    final = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])

    assert final.choices[0].message.content == "The tool said: sunny"


def test_stream_helper_collects_tool_calls(client, model):
    with client.chat.completions.stream(
        model=model, messages=user("[[script tools=2]]"), tools=[WEATHER]
    ) as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message

    assert [call.function.name for call in message.tool_calls] == ["get_weather"] * 2
    assert json.loads(message.tool_calls[1].function.arguments) == {"location": "Rome"}


@pytest.mark.parametrize("count", [1, 3])
def test_tool_calls_without_streaming(client, model, count):
    completion = client.chat.completions.create(
        model=model, messages=user(f"[[script tools={count}]]"), tools=[WEATHER]
    )

    calls = completion.choices[0].message.tool_calls
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.choices[0].message.content is None
    assert len({call.id for call in calls}) == count
    assert json.loads(calls[0].function.arguments) == {"location": "Paris"}
