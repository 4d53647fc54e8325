import asyncio

import openai
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    RunConfig,
    Runner,
    function_tool,
)
from conftest import (
    BASE_URL,
    FOUND,
    KEY,
    MODEL,
    PICTURE,
    SEARCH,
    STREAM,
    City,
    FormatRows,
    Framework,
    Rows,
    told,
)


class OpenAiAgents(Framework):
    error = openai.APIError
    rate_limit_error = openai.RateLimitError
    model_class = OpenAIChatCompletionsModel

    def agent(self, key=KEY, model=MODEL, retries=0, tools=(), output_type=None, **fields):
        client = openai.AsyncOpenAI(
            base_url=BASE_URL, api_key=key, max_retries=retries, timeout=60
        )
        return Agent(
            name="tester",
            model=self.model_class(model=model, openai_client=client),
            model_settings=ModelSettings(include_usage=True, **fields),
            tools=list(tools),
            output_type=output_type,
        )

    def run(self, prompt, **options):
        config = RunConfig(tracing_disabled=True)
        return asyncio.run(Runner.run(self.agent(**options), prompt, run_config=config))

    def chat(self, prompt, **fields):
        result = self.run(prompt, **fields)
        return result.final_output, result.context_wrapper.usage.total_tokens

    def stream(self, prompt, most=None, model=MODEL):
        return asyncio.run(self._stream(self.agent(model=model), prompt, [], most))

    async def _stream(self, agent, prompt, pieces, most=None):
        result = Runner.run_streamed(agent, prompt, run_config=RunConfig(tracing_disabled=True))
        async for event in result.stream_events():
            if getattr(event, "data", None) and event.data.type == "response.output_text.delta":
                pieces.append(event.data.delta)
                if len(pieces) == most:
                    result.cancel()
        return pieces, result.context_wrapper.usage.total_tokens

    def tools(self, prompt, asked, model=MODEL):
        @function_tool
        def get_weather(location: str) -> str:
            """The weather of a city"""
            asked.append(location)
            return "sunny"

        agent = self.agent(model=model, tools=[get_weather])
        pieces, _ = asyncio.run(self._stream(agent, prompt, []))
        return "".join(pieces)

    def search(self, prompt, mode, stream):
        result = self.searched(prompt, mode, stream)
        called = [item.raw_item.name for item in result.new_items if item.type == "tool_call_item"]
        return result.final_output, result.context_wrapper.usage.total_tokens, called

    def searched(self, prompt, mode, stream):
        @function_tool
        def get_weather(location: str) -> str:
            """The weather of a city"""
            return "sunny"

        # The SDK's WebSearchTool is for another endpoint.
        web_search = {"web_search_options": {}}
        agent = self.agent(tools=[get_weather], extra_headers=told(mode), extra_args=web_search)

        async def work():
            config = RunConfig(tracing_disabled=True)
            if not stream:
                return await Runner.run(agent, prompt, run_config=config)
            result = Runner.run_streamed(agent, prompt, run_config=config)
            async for _ in result.stream_events():
                pass
            return result

        return asyncio.run(work())

    def structured(self, prompt, model=MODEL):
        return self.run(prompt, model=model, output_type=City).final_output

    def look(self, prompt, model):
        picture = {"type": "input_image", "image_url": PICTURE, "detail": "auto"}
        content = [{"type": "input_text", "text": prompt}, picture]
        return self.run([{"role": "user", "content": content}], model=model).final_output


class TestOpenAiAgents(Rows, FormatRows):
    client = OpenAiAgents()

    @STREAM
    def test_citations_of_a_server_tool(self, stream):
        (message,) = self.client.searched(SEARCH % "", "hybrid", stream).new_items

        (cited,) = message.raw_item.content[0].annotations
        assert cited.type == "url_citation"
        assert FOUND[cited.start_index : cited.end_index] == cited.url
