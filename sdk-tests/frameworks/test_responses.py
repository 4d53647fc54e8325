"""The frameworks with OpenAI's Responses API, which two of them use by default."""

import asyncio

import openai
import pytest
from agents import ModelSettings, OpenAIResponsesModel, RunConfig, Runner, WebSearchTool
from conftest import FOUND, MODEL, PICTURE, SEARCH, STREAM, City, Framework
from openai.types.shared import Reasoning
from pydantic_ai import Agent
from pydantic_ai import WebSearchTool as PydanticWebSearchTool
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.messages import NativeToolCallPart, ThinkingPart
from pydantic_ai.models.openai import OpenAIResponsesModel as PydanticResponsesModel
from test_langchain import LangChain
from test_openai_agents import OpenAiAgents
from test_pydantic_ai import PydanticAi


class ResponsesRows:
    """The tests for all frameworks. The test class of a framework sets `client`."""

    client: Framework

    def test_chat(self):
        assert self.client.chat("hello there") == ("You said: hello there", 6)

    def test_stream_with_usage(self):
        pieces, total_tokens = self.client.stream("hello there")

        assert "".join(pieces) == "You said: hello there"
        assert total_tokens == 6

    @pytest.mark.parametrize("script", ["tools=1", "tools=2", "tools=2 reasoning=1"])
    def test_tool_round(self, script):
        asked = []

        answer = self.client.tools(f"What is the weather? [[script {script}]]", asked)

        assert sorted(asked) == ["Paris", "Rome"][: len(asked)]
        assert answer == "The tool said: sunny"

    def test_json_schema(self):
        assert self.client.structured("[[script json=1]]") == City(city="Paris", people=42)

    def test_picture(self):
        assert self.client.look("What?", MODEL) == "You said: What?"

    @pytest.mark.parametrize("mishap", ["error=2", "cut=2"])
    def test_failure_in_the_middle_raises(self, mishap):
        with pytest.raises(Exception) as raised:
            self.client.stream(f"[[script chunks=5 gap=5 {mishap}]]")

        assert "provider" in str(raised.value) or "engine" in str(raised.value)

    def test_silent_provider_is_not_given_up(self):
        pieces, _ = self.client.stream("[[script chunks=1 gap=5500]]")

        assert "".join(pieces) == "word1"

    @STREAM
    def test_server_search(self, stream):
        answer, searched = self.client.searched_web("What are camels? " + SEARCH % "", stream)

        # The text before the search is a message of its own.
        assert answer in (FOUND.removeprefix("Let me look.\n\n"), FOUND.replace("\n\n", ""))
        assert searched


class AgentsResponses(OpenAiAgents):
    model_class = OpenAIResponsesModel

    def searched_web(self, prompt, stream):
        agent = self.agent(tools=[WebSearchTool()])

        async def work():
            config = RunConfig(tracing_disabled=True)
            if not stream:
                return await Runner.run(agent, prompt, run_config=config)
            result = Runner.run_streamed(agent, prompt, run_config=config)
            async for _ in result.stream_events():
                pass
            return result

        result = asyncio.run(work())
        items = [getattr(item.raw_item, "type", "") for item in result.new_items]
        return result.final_output, "web_search_call" in items


class TestOpenAiAgentsResponses(ResponsesRows):
    client = AgentsResponses()

    def test_previous_response(self):
        agent = self.client.agent()

        async def work():
            config = RunConfig(tracing_disabled=True)
            first = await Runner.run(agent, "one", run_config=config)
            return await Runner.run(
                agent, "two", run_config=config, previous_response_id=first.last_response_id
            )

        result = asyncio.run(work())
        assert result.final_output == "You said: two"
        assert result.context_wrapper.usage.input_tokens == 1 + 3 + 1

    def test_reasoning_comes_back_with_the_next_turn(self):
        settings = ModelSettings(
            reasoning=Reasoning(summary="auto"),
            response_include=["reasoning.encrypted_content"],
            store=False,
        )
        agent = self.client.agent()
        agent.model_settings = settings

        async def work():
            config = RunConfig(tracing_disabled=True)
            first = await Runner.run(agent, "hi [[script reasoning=1]]", run_config=config)
            items = [*first.to_input_list(), {"role": "user", "content": "two"}]
            return first, await Runner.run(agent, items, run_config=config)

        first, second = asyncio.run(work())
        assert [item.type for item in first.new_items] == ["reasoning_item", "message_output_item"]
        assert second.final_output == "You said: two"


class LangChainResponses(LangChain):
    def llm(self, **fields):
        return super().llm(**{"use_responses_api": True, "output_version": "responses/v1", **fields})

    def chat(self, prompt, **fields):
        message = self.llm(**fields).invoke(prompt)
        return message.text, message.usage_metadata["total_tokens"]

    def stream(self, prompt, most=None, model=MODEL):
        whole = None
        for chunk in self.llm(model=model).stream(prompt):
            whole = chunk if whole is None else whole + chunk
        return [whole.text], whole.usage_metadata["total_tokens"]

    def tools(self, prompt, asked, model=MODEL):
        from langchain_core.tools import tool

        @tool
        def get_weather(location: str) -> str:
            """The weather of a city"""
            asked.append(location)
            return "sunny"

        llm = self.llm(model=model).bind_tools([get_weather])
        messages = [{"role": "user", "content": prompt}]
        whole = None
        for chunk in llm.stream(messages):
            whole = chunk if whole is None else whole + chunk
        messages += [whole, *(get_weather.invoke(call) for call in whole.tool_calls)]
        return llm.invoke(messages).text

    def look(self, prompt, model):
        picture = {"type": "image_url", "image_url": {"url": PICTURE}}
        content = [{"type": "text", "text": prompt}, picture]
        return self.llm(model=model).invoke([{"role": "user", "content": content}]).text

    def searched_web(self, prompt, stream):
        llm = self.llm().bind_tools([{"type": "web_search"}])
        message = None
        if stream:
            for chunk in llm.stream(prompt):
                message = chunk if message is None else message + chunk
        else:
            message = llm.invoke(prompt)
        return message.text, any(block["type"] == "web_search_call" for block in message.content)


class TestLangChainResponses(ResponsesRows):
    client = LangChainResponses()

    def test_previous_response(self):
        llm = self.client.llm()
        first = llm.invoke("one")
        second = llm.invoke("two", previous_response_id=first.response_metadata["id"])

        assert second.text == "You said: two"
        assert second.usage_metadata["input_tokens"] == 5


class PydanticResponses(PydanticAi):
    model_class = PydanticResponsesModel

    def searched_web(self, prompt, stream):
        agent = Agent(
            PydanticResponsesModel(MODEL, provider=self.provider()),
            capabilities=[NativeTool(PydanticWebSearchTool())],
        )

        async def read(_, events):
            async for _ in events:
                pass

        result = asyncio.run(agent.run(prompt, event_stream_handler=read if stream else None))
        parts = [part for message in result.all_messages() for part in message.parts]
        return result.output, any(isinstance(part, NativeToolCallPart) for part in parts)


class TestPydanticAiResponses(ResponsesRows):
    client = PydanticResponses()

    def test_thoughts(self):
        agent = self.client.agent()
        settings = {"openai_reasoning_summary": "auto"}

        async def work():
            first = await agent.run("hi [[script reasoning=1]]", model_settings=settings)
            return first, await agent.run("two", message_history=first.all_messages())

        first, second = asyncio.run(work())
        parts = [part for message in first.all_messages() for part in message.parts]
        (thought,) = [part for part in parts if isinstance(part, ThinkingPart)]
        assert thought.content == "Let me think."
        assert second.output == "You said: two"


def test_errors_are_those_of_the_client():
    with pytest.raises(openai.BadRequestError):
        AgentsResponses().chat("[[script status=400 code=bad_thing]]")
