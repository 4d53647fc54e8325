import openai
import pytest
from conftest import user


def test_unknown_key(base_url, model):
    client = openai.OpenAI(base_url=base_url, api_key="sk-nobody", max_retries=0)

    with pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(model=model, messages=user("hi"))

    assert raised.value.status_code == 401
    assert raised.value.code == "invalid_api_key"
    assert raised.value.request_id.startswith("req_")
    assert "sk-nobody" not in raised.value.message


def test_revoked_key(base_url, model, revoked_key):
    client = openai.OpenAI(base_url=base_url, api_key=revoked_key, max_retries=0)

    with pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(model=model, messages=user("hi"))

    assert raised.value.code == "invalid_api_key"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("unknown", ["openai/no-such-model", "nowhere/at-all", "no-slash"])
def test_unknown_model(client, unknown, stream):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model=unknown, messages=user("hi"), stream=stream)

    assert raised.value.code == "model_not_found"
    assert raised.value.type == "invalid_request_error"


@pytest.mark.parametrize("messages", [{}, {"messages": None}, {"messages": []}])
def test_missing_messages(client, model, messages):
    with pytest.raises(openai.BadRequestError) as raised:
        client.post("/chat/completions", body={"model": model, **messages}, cast_to=object)

    assert raised.value.param == "messages"
    assert raised.value.type == "invalid_request_error"


def test_missing_model(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.post("/chat/completions", body={"messages": user("hi")}, cast_to=object)

    assert raised.value.param == "model"


@pytest.mark.parametrize("stream", [False, True])
def test_busy_provider(client, model, stream):
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(
            model=model, messages=user("[[script status=429 retry_after=7]]"), stream=stream
        )

    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.code == "rate_limit_exceeded"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("failure", ["status=500", "status=503 html=1", "hangup=1", "status=401"])
def test_provider_failing_before_the_first_byte(client, model, failure, stream):
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(
            model=model, messages=user(f"[[script {failure}]]"), stream=stream
        )

    assert raised.value.status_code == 502
    assert raised.value.code in ("upstream_error", "upstream_auth_error")
    assert raised.value.type == "server_error"


def test_providers_message_about_the_request_is_passed_on(client, model):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(
            model=model, messages=user("[[script status=400 code=context_length_exceeded]]")
        )

    assert raised.value.code == "context_length_exceeded"
    assert "Scripted failure" in raised.value.message


@pytest.mark.parametrize("mishap", ["cut=5", "end=5", "error=5"])
def test_provider_failing_in_the_middle_without_streaming(client, model, mishap):
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(
            model=model, messages=user(f"[[script chunks=20 {mishap}]]")
        )

    assert raised.value.status_code == 502
