import asyncio
import time

import openai
import pytest
from conftest import user

LIMIT = 3  # RATE_LIMIT_TINY of ../run
MINUTE = 60


def test_rate_limit_is_announced_enforced_and_honoured(base_url, tiny_key, model):
    """The SDK waits for the time in Retry-After, up to a minute. Then its request is accepted."""
    impatient = openai.OpenAI(base_url=base_url, api_key=tiny_key, max_retries=0)
    completions = impatient.chat.completions.with_raw_response
    for left in reversed(range(LIMIT)):
        headers = completions.create(model=model, messages=user("hi"), stream=left == 0).headers
        assert headers["x-ratelimit-limit-requests"] == str(LIMIT)
        assert headers["x-ratelimit-remaining-requests"] == str(left)

    for stream in (False, True):
        with pytest.raises(openai.RateLimitError) as raised:
            impatient.chat.completions.create(model=model, messages=user("hi"), stream=stream)
        headers = raised.value.response.headers
        assert raised.value.code == "rate_limit_exceeded"
        assert raised.value.type == "requests"
        assert headers["x-ratelimit-remaining-requests"] == "0"
        assert 0 < int(headers["retry-after"]) <= MINUTE

    with pytest.raises(openai.RateLimitError):
        asyncio.run(chat_asynchronously(base_url, tiny_key, model, max_retries=0))

    wait = int(headers["retry-after"])
    began = time.monotonic()
    for completion in asyncio.run(patient_answers(base_url, tiny_key, model)):
        assert completion.choices
    assert time.monotonic() - began > wait - 2


async def patient_answers(base_url, tiny_key, model):
    """The answers of both clients, which wait for the same minute."""
    with openai.OpenAI(base_url=base_url, api_key=tiny_key, max_retries=1) as patient:
        return await asyncio.gather(
            asyncio.to_thread(
                patient.chat.completions.create, model=model, messages=user("hi")
            ),
            chat_asynchronously(base_url, tiny_key, model, max_retries=1),
        )


async def chat_asynchronously(base_url, tiny_key, model, max_retries):
    async with openai.AsyncOpenAI(
        base_url=base_url, api_key=tiny_key, max_retries=max_retries
    ) as client:
        return await client.chat.completions.create(model=model, messages=user("hi"))


def test_provider_account_without_credit_is_not_retried(base_url, key, model, provider_stats):
    patient = openai.OpenAI(base_url=base_url, api_key=key, max_retries=2)
    before = provider_stats()["requests"]

    with pytest.raises(openai.RateLimitError) as raised:
        patient.chat.completions.create(
            model=model, messages=user("[[script status=429 code=insufficient_quota]]")
        )

    assert raised.value.code == "insufficient_quota"
    assert provider_stats()["requests"] == before + 1
