"""LangChain and pydantic-ai with their models for Anthropic's API: POST /v1/messages."""

import asyncio

import anthropic
import pytest
from conftest import BASE_URL, KEY, MODEL
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic_ai import Agent, WebSearchTool
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

ROOT = BASE_URL.removesuffix("/v1")
THINKING = {"type": "enabled", "budget_tokens": 2000}
SEARCH = "[[script say='Let me look.' calls='web_search {\"query\": \"camels\"}']]"
TOOLS = "Weather? [[script tools=2 reasoning=1]]"


class TestLangChain:
    def model(self, **fields):
        return ChatAnthropic(
            model=MODEL, base_url=ROOT, api_key=KEY, max_retries=0, max_tokens=3000, timeout=60, **fields
        )

    def test_chat(self):
        message = self.model().invoke("hello there")

        assert message.text == "You said: hello there"
        assert message.usage_metadata["total_tokens"] == 6

    def test_stream_with_usage(self):
        chunks = list(self.model().stream("hello there"))

        whole = sum(chunks[1:], chunks[0])
        assert whole.text == "You said: hello there"
        assert whole.usage_metadata["input_tokens"] == 2
        assert whole.usage_metadata["output_tokens"] == 4

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    @pytest.mark.parametrize("fields", [{}, {"thinking": THINKING}], ids=["plain", "thinking"])
    def test_tools_in_two_turns(self, stream, fields):
        @tool
        def get_weather(location: str) -> str:
            """The weather of a city"""
            return f"sunny in {location}"

        model = self.model(**fields).bind_tools([get_weather])
        messages = [HumanMessage(TOOLS)]

        message = self.answer(model, messages, stream)
        messages += [message, *[ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in message.tool_calls]]
        answer = self.answer(model, messages, stream)

        assert [call["args"] for call in message.tool_calls] == [{"location": "Paris"}, {"location": "Rome"}]
        assert answer.text == "The tool said: sunny in Rome"

    @staticmethod
    def answer(model, messages, stream):
        if not stream:
            return model.invoke(messages)
        chunks = list(model.stream(messages))
        return sum(chunks[1:], chunks[0])

    def test_server_search(self):
        model = self.model().bind_tools([{"type": "web_search_20250305", "name": "web_search"}])

        message = model.invoke(SEARCH)

        assert "https://example.com/found" in str(message.content)
        assert message.tool_calls == []

    def test_failure_in_the_middle(self):
        pieces = []

        with pytest.raises(anthropic.APIStatusError, match="connection to the provider"):
            for chunk in self.model().stream("[[script chunks=5 cut=2]]"):
                pieces.append(chunk.text)

        assert "".join(pieces) == "word1 word2"


class TestPydanticAi:
    def agent(self, settings=None, **fields):
        client = anthropic.AsyncAnthropic(base_url=ROOT, api_key=KEY, max_retries=0, timeout=60)
        model = AnthropicModel(MODEL, provider=AnthropicProvider(anthropic_client=client))
        return Agent(model, model_settings={"max_tokens": 3000, **(settings or {})}, **fields)

    @staticmethod
    async def read(_, events):
        async for _ in events:
            pass

    def run(self, agent, prompt, stream):
        return asyncio.run(agent.run(prompt, event_stream_handler=self.read if stream else None))

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_chat(self, stream):
        result = self.run(self.agent(), "hello there", stream)

        assert result.output == "You said: hello there"
        assert result.usage.total_tokens == 6

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    @pytest.mark.parametrize("settings", [{}, {"anthropic_thinking": THINKING}], ids=["plain", "thinking"])
    def test_tools_in_two_turns(self, stream, settings):
        asked = []
        agent = self.agent(settings)

        @agent.tool_plain
        def get_weather(location: str) -> str:
            """The weather of a city"""
            asked.append(location)
            return "sunny"

        result = self.run(agent, TOOLS, stream)

        assert sorted(asked) == ["Paris", "Rome"]
        assert result.output == "The tool said: sunny"

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_server_search(self, stream):
        agent = self.agent(capabilities=[NativeTool(WebSearchTool())])

        result = self.run(agent, SEARCH, stream)

        parts = [part for message in result.all_messages() for part in message.parts]
        assert "https://example.com/found" in result.output
        assert [part.tool_name for part in parts if part.part_kind == "builtin-tool-return"] == ["web_search"]

    def test_failure_in_the_middle(self):
        with pytest.raises((ModelAPIError, anthropic.APIError), match="connection to the provider"):
            self.run(self.agent(), "[[script chunks=5 cut=2]]", True)
