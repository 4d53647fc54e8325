import openai
import pytest

LOCAL_EMBEDDING_MODEL = "local/all-minilm-l6-v2"


def cosine(one, other):
    """The vectors have unit length."""
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("input", ["one", ["one", "two"], [1, 2, 3], [[1, 2], [3]]])
def test_embeds_each_kind_of_input(client, model, input):
    reply = client.embeddings.create(model=model, input=input)

    many = isinstance(input, list) and not isinstance(input[0], int)
    assert [each.index for each in reply.data] == list(range(len(input) if many else 1))
    assert all(each.object == "embedding" and len(each.embedding) == 8 for each in reply.data)
    assert reply.object == "list"
    assert reply.model == model
    assert reply.usage.total_tokens == reply.usage.prompt_tokens > 0


@pytest.mark.parametrize("habit", ["", "[[script encoding=float]] ", "[[script encoding=base64]] ", "[[script bare=1]] "])
def test_encoding_is_the_requested_one(client, model, habit):
    # Without a format the SDK requests base64 and decodes it.
    decoded = client.embeddings.create(model=model, input=habit + "one").data[0].embedding
    floats = client.embeddings.create(model=model, input=habit + "one", encoding_format="float").data[0].embedding
    raw = client.embeddings.with_raw_response.create(model=model, input=habit + "one").http_response.json()

    assert decoded == pytest.approx(floats)
    assert isinstance(raw["data"][0]["embedding"], str)


def test_vectors_are_the_providers_in_the_order_of_the_texts(client, model, provider):
    texts = ["one", "two", "three"]

    reply = client.embeddings.create(model=model, input=texts)

    own = provider.embeddings.create(model="scripted", input=texts, encoding_format="float")
    assert [each.embedding for each in reply.data] == [
        pytest.approx(each.embedding) for each in own.data
    ]


def test_dimensions_are_passed_on(client, model):
    reply = client.embeddings.create(model=model, input="one", dimensions=4)

    assert len(reply.data[0].embedding) == 4


def test_local_model(client, local_model):
    texts = ["The cat sleeps", "A kitten is sleeping", "Income tax is due in April"]
    reply = client.embeddings.create(model=LOCAL_EMBEDDING_MODEL, input=texts)
    floats = client.embeddings.create(model=LOCAL_EMBEDDING_MODEL, input=texts, encoding_format="float")

    cat, kitten, tax = [each.embedding for each in reply.data]
    assert len(cat) == 384
    assert cosine(cat, cat) == pytest.approx(1, abs=1e-5)
    assert cosine(cat, kitten) > 0.7
    assert cosine(cat, tax) < 0.1
    assert reply.usage.prompt_tokens == 5 + 6 + 8
    assert [each.embedding for each in floats.data] == [pytest.approx(each.embedding) for each in reply.data]


def test_text_over_the_local_models_limit_is_rejected(client, local_model):
    with pytest.raises(openai.BadRequestError) as raised:
        client.embeddings.create(model=LOCAL_EMBEDDING_MODEL, input=["cat", "cat " * 300])

    assert raised.value.param == "input[1]"
    assert "maximum context length is 256 tokens" in raised.value.message


def test_bad_request_names_the_field(client, model):
    with pytest.raises(openai.BadRequestError) as raised:
        client.embeddings.create(model=model, input=[])

    assert raised.value.param == "input"


def test_failing_provider(client, model):
    with pytest.raises(openai.InternalServerError):
        client.embeddings.create(model=model, input="[[script status=500]]")
    with pytest.raises(openai.RateLimitError) as raised:
        client.embeddings.create(model=model, input="[[script status=429 retry_after=7]]")

    assert raised.value.response.headers["retry-after"] == "7"


def test_chat_model_is_rejected(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.embeddings.create(model="openai/gpt-4o-mini", input="one")

    assert raised.value.param == "model"
