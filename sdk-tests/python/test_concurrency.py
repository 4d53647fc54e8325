import asyncio

import openai
from conftest import user

STREAMS = 200
WORDS = 20


def test_many_streams_at_once_are_all_complete(base_url, key, model):
    async def one(client, number):
        stream = await client.chat.completions.create(
            model=model,
            messages=user(f"stream {number} [[script chunks={WORDS} gap=50]]"),
            stream=True,
        )
        text, finish_reason = "", None
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            finish_reason = chunk.choices[0].finish_reason
        return text, finish_reason

    async def all_at_once():
        async with openai.AsyncOpenAI(
            base_url=base_url, api_key=key, max_retries=0, timeout=120
        ) as client:
            return await asyncio.gather(*(one(client, number) for number in range(STREAMS)))

    results = asyncio.run(all_at_once())

    whole = " ".join(f"word{number}" for number in range(1, WORDS + 1))
    assert results == [(whole, "stop")] * STREAMS
