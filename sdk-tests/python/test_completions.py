import openai
import pytest

# Its provider has the endpoint; the others get a chat.
OWN = "openai/scripted-instruct"


@pytest.fixture(params=["chat", "own"])
def text_model(request, model):
    return model if request.param == "chat" else OWN


def test_whole(client, text_model):
    reply = client.completions.create(model=text_model, prompt="Say hi", max_tokens=20)

    assert reply.object == "text_completion"
    assert reply.model == text_model
    assert reply.choices[0].text == "You said: Say hi"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == 6


def test_stream(client, text_model):
    chunks = list(
        client.completions.create(
            model=text_model, prompt="Say hi", stream=True, stream_options={"include_usage": True}
        )
    )

    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == "You said: Say hi"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]].count("stop") == 1
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 6


def test_suffix_and_several_prompts(client):
    filled = client.completions.create(model=OWN, prompt="a", suffix="b")
    many = client.completions.create(model=OWN, prompt=["a", "b"], n=2)

    assert filled.choices[0].text == "You said: a … b"
    assert [choice.index for choice in many.choices] == [0, 1, 2, 3]


@pytest.mark.parametrize("fields, param", [({"suffix": "b"}, "suffix"), ({"prompt": [1, 2]}, "prompt"), ({"n": 0}, "n")])
def test_what_a_chat_cannot_do_is_refused(client, model, fields, param):
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(model=model, **{"prompt": "a", **fields})

    assert refused.value.param == param


def test_failure_in_the_middle_of_a_text(client, text_model):
    stream = client.completions.create(model=text_model, prompt="[[script chunks=9 cut=3]] hi", stream=True)

    with pytest.raises(openai.APIError, match="openai"):
        list(stream)
