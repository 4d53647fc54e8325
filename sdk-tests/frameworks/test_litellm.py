import json

import litellm
import openai
from conftest import (
    BASE_URL,
    FOUND,
    KEY,
    MODEL,
    PICTURE,
    SEARCH,
    STREAM,
    City,
    EmbeddingRows,
    FormatRows,
    Framework,
    Rows,
    told,
)

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


class LiteLlm(Framework):
    error = openai.APIError  # the base of litellm's own exceptions
    rate_limit_error = litellm.RateLimitError

    def completion(self, messages, key=KEY, model=MODEL, retries=0, **fields):
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        # litellm's prefix for a compatible server; the gateway gets the rest as the model id.
        return litellm.completion(
            model=f"openai/{model}",
            api_base=BASE_URL,
            api_key=key,
            messages=messages,
            max_retries=retries,
            timeout=60,
            **fields,
        )

    def chat(self, prompt, **fields):
        completion = self.completion(prompt, **fields)
        return completion.choices[0].message.content, completion.usage.total_tokens

    def stream(self, prompt, most=None, model=MODEL):
        pieces, total_tokens = [], None
        stream = self.completion(prompt, model=model, stream=True, stream_options={"include_usage": True})
        for chunk in stream:
            pieces.append(chunk.choices[0].delta.content or "" if chunk.choices else "")
            if getattr(chunk, "usage", None):
                total_tokens = chunk.usage.total_tokens
            if most and len([piece for piece in pieces if piece]) == most:
                stream.completion_stream.close()
                break
        return pieces, total_tokens

    def tools(self, prompt, asked, model=MODEL):
        messages = [{"role": "user", "content": prompt}]
        chunks = list(self.completion(messages, model=model, tools=[WEATHER], stream=True))
        message = litellm.stream_chunk_builder(chunks, messages=messages).choices[0].message
        messages.append(message.model_dump())
        for call in message.tool_calls:
            asked.append(json.loads(call.function.arguments)["location"])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
        return self.completion(messages, model=model, tools=[WEATHER]).choices[0].message.content

    def search(self, prompt, mode, stream):
        messages = [{"role": "user", "content": prompt}]
        total_tokens, called = 0, []
        while True:
            answer = self.completion(
                messages,
                tools=[{"type": "web_search"}, WEATHER],
                extra_headers=told(mode),
                **({"stream": True, "stream_options": {"include_usage": True}} if stream else {}),
            )
            if stream:
                answer = litellm.stream_chunk_builder(list(answer), messages=messages)
            message = answer.choices[0].message
            total_tokens += answer.usage.total_tokens
            if not message.tool_calls:
                return message.content, total_tokens, called
            messages.append(message.model_dump())
            for call in message.tool_calls:
                called.append(call.function.name)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})

    def structured(self, prompt, model=MODEL):
        completion = self.completion(prompt, model=model, response_format=City)
        return City.model_validate_json(completion.choices[0].message.content)

    def look(self, prompt, model):
        picture = {"type": "image_url", "image_url": {"url": PICTURE}}
        content = [{"type": "text", "text": prompt}, picture]
        completion = self.completion([{"role": "user", "content": content}], model=model)
        return completion.choices[0].message.content

    def embed(self, texts, model=MODEL):
        reply = litellm.embedding(
            model=f"openai/{model}", api_base=BASE_URL, api_key=KEY, input=texts, max_retries=0
        )
        return [each["embedding"] for each in reply.data]

    def status_and_body(self, failure):
        assert isinstance(failure, openai.APIStatusError)
        if failure.status_code == 400:
            return 400, failure.body
        # For other errors litellm has only the gateway's message.
        sentence = {401: "API key", 404: "does not exist", 429: "Rate limit"}
        assert sentence[failure.status_code] in str(failure)
        return failure.status_code, None


class TestLiteLlm(Rows, FormatRows, EmbeddingRows):
    client = LiteLlm()

    @STREAM
    def test_citations_of_a_server_tool(self, stream):
        tools = [{"type": "web_search"}]
        answer = self.client.completion(SEARCH % "", tools=tools, stream=stream)
        if stream:
            answer = litellm.stream_chunk_builder(list(answer))

        (annotation,) = answer.choices[0].message.annotations
        cited = annotation["url_citation"]
        assert FOUND[cited["start_index"] : cited["end_index"]] == cited["url"]
        if not stream:  # litellm drops them in a stream
            shown = [(each["tool"], each["status"]) for each in answer.tool_notifications]
            assert shown == [("web_search", "started"), ("web_search", "completed")]

    def test_lists_models(self):
        models = litellm.get_valid_models(
            check_provider_endpoint=True,
            custom_llm_provider="openai",
            api_base=BASE_URL.removesuffix("/v1"),
            api_key=KEY,
        )

        assert "openai/gpt-4o-mini" in models
