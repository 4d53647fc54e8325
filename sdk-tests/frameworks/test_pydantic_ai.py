import asyncio

import openai
from conftest import BASE_URL, KEY, MODEL, City, Framework, Rows
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class PydanticAi(Framework):
    error = (ModelAPIError, openai.APIError)

    def agent(self, key=KEY, model=MODEL, output_type=str, **fields):
        client = openai.AsyncOpenAI(base_url=BASE_URL, api_key=key, max_retries=0, timeout=60)
        chat_model = OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client))
        # As settings they would be left out: it knows no model of this name.
        settings = {"extra_body": fields} if fields else None
        return Agent(chat_model, output_type=output_type, model_settings=settings)

    def chat(self, prompt, **fields):
        result = asyncio.run(self.agent(**fields).run(prompt))
        return result.output, result.usage.total_tokens

    def stream(self, prompt, most=None):
        return asyncio.run(self._stream(self.agent(), prompt, most))

    async def _stream(self, agent, prompt, most=None):
        pieces = []
        async with agent.run_stream(prompt) as result:
            async for piece in result.stream_text(delta=True, debounce_by=None):
                pieces.append(piece)
                if len(pieces) == most:
                    break
        return pieces, result.usage.total_tokens

    def tools(self, prompt, asked):
        agent = self.agent()

        @agent.tool_plain
        def get_weather(location: str) -> str:
            """The weather of a city"""
            asked.append(location)
            return "sunny"

        pieces, _ = asyncio.run(self._stream(agent, prompt))
        return "".join(pieces)

    def structured(self, prompt):
        return asyncio.run(self.agent(output_type=NativeOutput(City)).run(prompt)).output


class TestPydanticAi(Rows):
    client = PydanticAi()
