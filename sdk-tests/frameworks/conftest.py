"""The tests for all frameworks, as a base class. `test_<framework>.py` adapts them to a framework."""

import json
import os
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import BaseModel

# Switches telemetry off; must be set before the imports.
os.environ |= {
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}


def setting(name: str) -> str:
    if not os.environ.get(name):
        pytest.exit(f"{name} is not set: start the tests with sdk-tests/run", returncode=2)
    return os.environ[name]


BASE_URL = setting("LLMPROXY_BASE_URL")
KEY = setting("LLMPROXY_KEY")
MODEL = setting("LLMPROXY_SCRIPTED_MODEL")
LIMIT = 10  # RATE_LIMIT_SMALL of ../run
MODES = pytest.mark.parametrize("mode", ["hybrid", "comment", "off"])
OTHER_MODELS = [model for model in os.environ.get("LLMPROXY_OTHER_MODELS", "").split(",") if model]
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
SEARCH = "[[script say='Let me look.' calls='web_search {\"query\": \"camels\"}%s']]"
FOUND = (
    'Let me look.\n\nThe tool said: {"engine":"searxng","results":[{"title":"searxng on camels",'
    '"url":"https://example.com/found","snippet":"camels & more"}]}'
)


class City(BaseModel):
    city: str
    people: int


class Framework:
    """The client of a framework. Without retries, so that a test sees the first answer."""

    error: type[Exception] | tuple[type[Exception], ...]
    """The exception for a failure in the middle of a stream."""

    rate_limit_error: type[Exception]
    """The exception for the status 429."""

    def chat(
        self, prompt: str, key: str = KEY, model: str = MODEL, retries: int = 0, **fields
    ) -> tuple[str, int]:
        """The text and the total number of tokens."""
        raise NotImplementedError

    def stream(self, prompt: str, most: int | None = None, model: str = MODEL) -> tuple[list[str], int | None]:
        """The pieces of text and the total number of tokens; leaves the stream after `most` pieces."""
        raise NotImplementedError

    def tools(self, prompt: str, asked: list[str], model: str = MODEL) -> str:
        """Streams with the tool `get_weather(location)`, which adds the place to `asked` and returns "sunny"."""
        raise NotImplementedError

    def search(self, prompt: str, mode: str, stream: bool) -> tuple[str, int, list[str]]:
        """The last answer, the total number of tokens, and the names of the tool calls that the framework saw.

        The chat has the server's web search, with notifications in the form `mode`, and the client's
        tool `get_weather`, which returns "sunny".
        """
        raise NotImplementedError

    def structured(self, prompt: str, model: str = MODEL) -> City:
        """The answer with the JSON schema of City."""
        raise NotImplementedError

    def look(self, prompt: str, model: str) -> str:
        """The answer to the prompt with the picture."""
        raise NotImplementedError

    def embed(self, texts: list[str], model: str = MODEL) -> list[list[float]]:
        """The vectors, in the order of the texts."""
        raise NotImplementedError

    def status_and_body(self, failure: Exception) -> tuple[int, dict | None]:
        """The HTTP status, and the error object if the framework has it."""
        return failure.status_code, failure.body


class Rows:
    """The tests in the table in ../README.md. The test class of a framework sets `client`."""

    client: Framework

    def test_chat(self):
        assert self.client.chat("hello there") == ("You said: hello there", 6)

    def test_stream_with_usage(self):
        pieces, total_tokens = self.client.stream("hello there")

        assert [piece for piece in pieces if piece] == ["You", " said:", " hello", " there"]
        assert total_tokens == 6

    @pytest.mark.parametrize("count, places", [(1, ["Paris"]), (2, ["Paris", "Rome"])])
    def test_tool_round_trip_with_streamed_arguments(self, count, places):
        asked = []

        answer = self.client.tools(f"What is the weather? [[script tools={count}]]", asked)

        assert sorted(asked) == places
        assert answer == "The tool said: sunny"

    @MODES
    @STREAM
    def test_server_tool(self, mode, stream):
        prompt = "What are camels? " + SEARCH % ""

        assert self.client.search(prompt, mode, stream) == (FOUND, 40, [])

    @MODES
    @STREAM
    def test_server_tool_then_own_tool(self, mode, stream):
        prompt = SEARCH % ' | get_weather {"location": "Paris"}'

        text, _, called = self.client.search(prompt, mode, stream)

        assert (text, called) == ("The tool said: sunny", ["get_weather"])

    def test_json_schema(self):
        assert self.client.structured("[[script json=1]]") == City(city="Paris", people=42)

    @pytest.mark.parametrize(
        "fields, status, code, param",
        [
            ({"key": "sk-nobody"}, 401, "invalid_api_key", None),
            ({"model": "nowhere/at-all"}, 404, "model_not_found", "model"),
            ({"temperature": 9}, 400, "invalid_value", "temperature"),
        ],
        ids=["bad_key", "unknown_model", "invalid_body"],
    )
    def test_refused(self, fields, status, code, param):
        with pytest.raises(Exception) as raised:
            self.client.chat("hi", **fields)

        raised_status, body = self.client.status_and_body(raised.value)
        assert raised_status == status
        if body:
            assert (body["code"], body["param"]) == (code, param)
        assert "sk-nobody" not in str(raised.value)

    def test_rate_limit_raises(self, limited_key):
        with pytest.raises(self.client.rate_limit_error) as raised:
            for _ in range(2 * LIMIT + 1):  # a new minute may begin meanwhile
                self.client.chat("hi", key=limited_key)

        status, body = self.client.status_and_body(raised.value)
        assert status == 429
        if body:
            assert (body["code"], body["type"]) == ("rate_limit_exceeded", "requests")

    def test_rate_limit_is_honoured(self, patient_answers):
        answer, waited, told = patient_answers[self.client].result()

        assert answer == ("You said: hello there", 6)
        assert waited > told - 2

    @pytest.mark.parametrize("mishap", ["error=2", "cut=2", "end=2"])
    def test_failure_in_the_middle_raises(self, mishap):
        with pytest.raises(self.client.error) as raised:
            self.client.stream(f"[[script chunks=5 gap=5 {mishap}]]")

        assert str(raised.value)

    # wire 1.3
    def test_silent_provider_is_not_given_up(self):
        pieces, _ = self.client.stream("[[script chunks=2 gap=6500]]")

        assert "".join(pieces) == "word1 word2"

    @pytest.mark.parametrize("script", ["chunks=600 gap=100", "chunks=5 silent=1"])
    def test_leaving_a_stream_cancels_the_providers_answer(self, script):
        before = cancelled()

        self.client.stream(f"[[script {script}]]", most=1)

        deadline = time.monotonic() + 30
        while cancelled() == before:
            assert time.monotonic() < deadline, "not cancelled in time"
            time.sleep(0.02)


class FormatRows:
    """The tests that depend on the provider's format, with models behind other formats than OpenAI's.

    Their emulators refuse what the real providers refuse.
    """

    client: Framework

    @pytest.fixture(params=OTHER_MODELS)
    def other(self, request) -> str:
        return request.param

    def test_format_chat_and_stream(self, other):
        text, tokens = self.client.chat("hello there", model=other)
        pieces, total_tokens = self.client.stream("hello there", model=other)

        assert text == "".join(pieces) == "You said: hello there"
        # With seven cached ones.
        assert tokens == total_tokens == 13

    def test_format_tool_round_after_thoughts(self, other):
        asked = []

        answer = self.client.tools("What is the weather? [[script tools=2 reasoning=1]]", asked, model=other)

        assert sorted(asked) == ["Paris", "Rome"]
        assert answer == "The tool said: sunny"

    def test_format_json_schema(self, other):
        assert self.client.structured("[[script json=1]]", model=other) == City(city="Paris", people=42)

    def test_format_picture(self, other):
        assert self.client.look("What?", other) == "You said: What?"

    def test_format_busy_provider(self, other):
        with pytest.raises(self.client.rate_limit_error) as raised:
            self.client.chat("[[script status=429 retry_after=7]]", model=other)

        assert raised.value.status_code == 429

    @pytest.mark.parametrize("mishap", ["error=2", "cut=2", "end=2"])
    def test_format_failure_in_the_middle_raises(self, other, mishap):
        with pytest.raises(self.client.error) as raised:
            self.client.stream(f"[[script chunks=5 {mishap}]]", model=other)

        assert str(raised.value)


class EmbeddingRows:
    """The tests for a framework with embeddings."""

    client: Framework

    def test_embeddings(self):
        texts = ["one", "two", "three"]
        # The provider's own answer, without the gateway.
        url = scripted("/v1/embeddings")
        with post(url, {"model": "scripted", "input": texts}) as reply:
            vectors = [each["embedding"] for each in json.load(reply)["data"]]

        assert self.client.embed(texts) == [pytest.approx(vector) for vector in vectors]

    def test_embeddings_of_an_unknown_model(self):
        with pytest.raises(Exception) as raised:
            self.client.embed(["one"], model="nowhere/at-all")

        assert self.client.status_and_body(raised.value)[0] == 404


def told(mode: str) -> dict[str, str]:
    return {"X-Tool-Notifications": mode}


@pytest.fixture(scope="session")
def limited_key() -> str:
    if not os.environ.get("LLMPROXY_TINY_KEY"):
        pytest.skip("LLMPROXY_TINY_KEY is not set")
    return os.environ["LLMPROXY_TINY_KEY"]


@pytest.fixture(scope="session")
def patient_answers(limited_key):
    """The answers of all frameworks, which wait for the same minute: (answer, seconds waited, seconds in Retry-After)."""
    clients = [rows.client for rows in Rows.__subclasses__()]
    told = seconds_until_the_next_minute(limited_key)
    began = time.monotonic()

    def answer(client):
        answer = client.chat("hello there", key=limited_key, retries=1)
        return answer, time.monotonic() - began, told

    # Waits for all answers, because the next test may use up the limit again.
    with ThreadPoolExecutor(len(clients)) as pool:
        return {client: pool.submit(answer, client) for client in clients}


def seconds_until_the_next_minute(key: str) -> int:
    """Uses up the limit of the key."""
    while True:
        request = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
        try:
            post(f"{BASE_URL}/chat/completions", request, key).close()
        except urllib.error.HTTPError as error:
            assert error.code == 429
            return int(error.headers["Retry-After"])


def post(url: str, body: dict, key: str = KEY):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return urllib.request.urlopen(request, timeout=60)


def cancelled() -> int:
    with urllib.request.urlopen(scripted("/stats"), timeout=30) as reply:
        return json.load(reply)["cancelled"]


def scripted(path: str) -> str:
    """The URL of a path of the scripted provider."""
    if not os.environ.get("LLMPROXY_SCRIPTED_STATS"):
        pytest.skip("LLMPROXY_SCRIPTED_STATS is not set")
    return os.environ["LLMPROXY_SCRIPTED_STATS"].removesuffix("/stats") + path
