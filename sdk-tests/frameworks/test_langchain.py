import openai
from conftest import BASE_URL, KEY, MODEL, PICTURE, City, EmbeddingRows, FormatRows, Framework, Rows, told
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


class LangChain(Framework):
    error = openai.APIError
    rate_limit_error = openai.RateLimitError

    def llm(self, key=KEY, model=MODEL, retries=0, **fields):
        return ChatOpenAI(
            base_url=BASE_URL,
            api_key=key,
            model=model,
            max_retries=retries,
            timeout=60,
            **fields,
        )

    def chat(self, prompt, **fields):
        message = self.llm(**fields).invoke(prompt)
        return message.content, message.usage_metadata["total_tokens"]

    def stream(self, prompt, most=None, model=MODEL):
        pieces, total_tokens = [], None
        stream = self.llm(model=model, stream_usage=True).stream(prompt)
        for chunk in stream:
            pieces.append(chunk.content)
            if chunk.usage_metadata:
                total_tokens = chunk.usage_metadata["total_tokens"]
            if most and len([piece for piece in pieces if piece]) == most:
                stream.close()
        return pieces, total_tokens

    def tools(self, prompt, asked, model=MODEL):
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
        return llm.invoke(messages).content

    def search(self, prompt, mode, stream):
        @tool
        def get_weather(location: str) -> str:
            """The weather of a city"""
            return "sunny"

        llm = self.llm(default_headers=told(mode), streaming=stream, stream_usage=True)
        # With any other type of tool langchain calls another endpoint.
        web_search = {"type": "function", "function": {"name": "web_search"}}
        agent = create_agent(llm, tools=[get_weather, web_search])
        messages = agent.invoke({"messages": [{"role": "user", "content": prompt}]})["messages"]
        answers = [message for message in messages if message.type == "ai"]
        total_tokens = sum(answer.usage_metadata["total_tokens"] for answer in answers)
        called = [call["name"] for answer in answers for call in answer.tool_calls]
        return answers[-1].content, total_tokens, called

    def structured(self, prompt, model=MODEL):
        return self.llm(model=model).with_structured_output(City, method="json_schema").invoke(prompt)

    def look(self, prompt, model):
        picture = {"type": "image_url", "image_url": {"url": PICTURE}}
        content = [{"type": "text", "text": prompt}, picture]
        return self.llm(model=model).invoke([{"role": "user", "content": content}]).content

    def embed(self, texts, model=MODEL):
        return OpenAIEmbeddings(
            base_url=BASE_URL,
            api_key=KEY,
            model=model,
            max_retries=0,
            # Otherwise langchain splits texts into OpenAI's tokens, with a table from the network.
            check_embedding_ctx_length=False,
        ).embed_documents(texts)


class TestLangChain(Rows, FormatRows, EmbeddingRows):
    client = LangChain()
