from conftest import user

CAPITAL = user("What is the capital of France?")


def test_chat(client, model):
    completion = client.chat.completions.create(model=model, messages=user("hello there"))

    assert completion.choices[0].message.content == "You said: hello there"
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == model
    assert completion.usage.prompt_tokens == 2
    assert completion.usage.completion_tokens == 4
    assert completion.usage.total_tokens == 6


def test_every_role_and_message_parts(client, model):
    completion = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": [{"type": "text", "text": "three"}]},
        ],
    )

    assert completion.choices[0].message.content == "You said: three"


def test_unknown_and_null_fields_are_accepted(client, model):
    completion = client.chat.completions.create(
        model=model,
        messages=user("hi"),
        temperature=None,
        stop=None,
        extra_body={"top_k": 40, "vendor": {"deep": True}},
    )

    assert completion.choices[0].message.content == "You said: hi"


def test_two_choices(client, model):
    completion = client.chat.completions.create(model=model, messages=user("hi"), n=2)

    assert [choice.index for choice in completion.choices] == [0, 1]
    assert {choice.message.content for choice in completion.choices} == {"You said: hi"}


def test_request_id(client, model):
    completion = client.chat.completions.create(model=model, messages=user("hi"))

    assert completion._request_id.startswith("req_")


def test_local_model(client, local_model):
    completion = client.chat.completions.create(
        model=local_model, messages=CAPITAL, temperature=0, max_tokens=24
    )

    assert "Paris" in completion.choices[0].message.content
    assert completion.usage.total_tokens == (
        completion.usage.prompt_tokens + completion.usage.completion_tokens
    )


def test_local_model_stops_at_max_tokens(client, local_model):
    completion = client.chat.completions.create(
        model=local_model, messages=CAPITAL, temperature=0, max_tokens=2
    )

    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.completion_tokens == 2
