import asyncio

import openai
from conftest import BASE_URL, KEY, MODEL, PICTURE, City, EmbeddingRows, FormatRows, Framework, Rows, told
from pydantic_ai import Agent, Embedder, ImageUrl, NativeOutput, WebSearchTool
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.exceptions import ModelAPIError, ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class PydanticAi(Framework):
    error = (ModelAPIError, openai.APIError)
    rate_limit_error = ModelHTTPError  # the exception for every status
    model_class = OpenAIChatModel

    def provider(self, key=KEY, retries=0):
        client = openai.AsyncOpenAI(
            base_url=BASE_URL, api_key=key, max_retries=retries, timeout=60
        )
        return OpenAIProvider(openai_client=client)

    def agent(self, key=KEY, model=MODEL, retries=0, output_type=str, **fields):
        chat_model = self.model_class(model, provider=self.provider(key, retries))
        # pydantic-ai drops them as settings, because it does not know the model.
        settings = {"extra_body": fields} if fields else None
        return Agent(chat_model, output_type=output_type, model_settings=settings)

    def chat(self, prompt, **fields):
        result = asyncio.run(self.agent(**fields).run(prompt))
        return result.output, result.usage.total_tokens

    def stream(self, prompt, most=None, model=MODEL):
        return asyncio.run(self._stream(self.agent(model=model), prompt, most))

    async def _stream(self, agent, prompt, most=None):
        pieces = []
        async with agent.run_stream(prompt) as result:
            async for piece in result.stream_text(delta=True, debounce_by=None):
                pieces.append(piece)
                if len(pieces) == most:
                    break
        return pieces, result.usage.total_tokens

    def tools(self, prompt, asked, model=MODEL):
        agent = self.agent(model=model)

        @agent.tool_plain
        def get_weather(location: str) -> str:
            """The weather of a city"""
            asked.append(location)
            return "sunny"

        pieces, _ = asyncio.run(self._stream(agent, prompt))
        return "".join(pieces)

    def search(self, prompt, mode, stream):
        agent = Agent(
            # By default pydantic-ai requests searches only from OpenAI's search models.
            OpenAIChatModel(
                MODEL, provider=self.provider(), profile={"openai_chat_supports_web_search": True}
            ),
            capabilities=[NativeTool(WebSearchTool())],
            model_settings={"extra_headers": told(mode)},
        )

        @agent.tool_plain
        def get_weather(location: str) -> str:
            """The weather of a city"""
            return "sunny"

        async def read(_, events):
            async for _ in events:
                pass

        # run_stream takes the text before a call as the answer.
        result = asyncio.run(agent.run(prompt, event_stream_handler=read if stream else None))
        parts = [part for message in result.all_messages() for part in message.parts]
        called = [part.tool_name for part in parts if "tool-call" in part.part_kind]
        return result.output, result.usage.total_tokens, called

    def structured(self, prompt, model=MODEL):
        agent = self.agent(model=model, output_type=NativeOutput(City))
        return asyncio.run(agent.run(prompt)).output

    def look(self, prompt, model):
        return asyncio.run(self.agent(model=model).run([prompt, ImageUrl(PICTURE)])).output

    def embed(self, texts, model=MODEL):
        embedder = Embedder(OpenAIEmbeddingModel(model, provider=self.provider()))
        return asyncio.run(embedder.embed_documents(texts)).embeddings


class TestPydanticAi(Rows, FormatRows, EmbeddingRows):
    client = PydanticAi()
