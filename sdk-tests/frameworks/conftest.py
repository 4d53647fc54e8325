"""What every framework has to show, as a base class; `test_<framework>.py` says how it does each."""

import json
import os
import time
import urllib.request

import pytest
from pydantic import BaseModel

# None of them may call home; set before they are imported.
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


class City(BaseModel):
    city: str
    people: int


class Framework:
    """A client at work. Without retries: a test sees the first answer, not the third."""

    error: type[Exception] | tuple[type[Exception], ...]
    """What a failure in the middle of a stream raises."""

    def chat(self, prompt: str, key: str = KEY, model: str = MODEL, **fields) -> tuple[str, int]:
        """The text and the total of tokens."""
        raise NotImplementedError

    def stream(self, prompt: str, most: int | None = None) -> tuple[list[str], int | None]:
        """The pieces of text and the total of tokens; leaves the stream after `most` pieces."""
        raise NotImplementedError

    def tools(self, prompt: str, asked: list[str]) -> str:
        """Lets a streamed `get_weather(location)` note the place in `asked` and answer "sunny"."""
        raise NotImplementedError

    def structured(self, prompt: str) -> City:
        """The answer in the JSON schema of City."""
        raise NotImplementedError

    def status_and_body(self, failure: Exception) -> tuple[int, dict | None]:
        """The HTTP status and, where the framework keeps it, the error object."""
        return failure.status_code, failure.body


class Rows:
    """The rows of the table in ../README.md; a test class of a framework sets `client`."""

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

    def test_json_schema(self):
        assert self.client.structured("[[script json=1]]") == City(city="Paris", people=42)

    @pytest.mark.parametrize(
        "fields, status, code, param",
        [
            ({"key": "sk-nobody"}, 401, "invalid_api_key", None),
            ({"model": "nowhere/at-all"}, 404, "model_not_found", "model"),
            ({"temperature": 9}, 400, "invalid_value", "temperature"),
        ],
        ids=["bad key", "unknown model", "invalid body"],
    )
    def test_refused(self, fields, status, code, param):
        with pytest.raises(Exception) as raised:
            self.client.chat("hi", **fields)

        raised_status, body = self.client.status_and_body(raised.value)
        assert raised_status == status
        if body:
            assert (body["code"], body["param"]) == (code, param)
        assert "sk-nobody" not in str(raised.value)

    @pytest.mark.parametrize("mishap", ["error=2", "cut=2", "end=2"])
    def test_failure_in_the_middle_raises(self, mishap):
        with pytest.raises(self.client.error) as raised:
            self.client.stream(f"[[script chunks=5 gap=5 {mishap}]]")

        assert str(raised.value)

    @pytest.mark.parametrize("script", ["chunks=600 gap=100", "chunks=5 silent=1"])
    def test_leaving_a_stream_cancels_the_providers_answer(self, script):
        before = cancelled()

        self.client.stream(f"[[script {script}]]", most=1)

        deadline = time.monotonic() + 2
        while cancelled() == before:
            assert time.monotonic() < deadline, "not cancelled in time"
            time.sleep(0.02)


def cancelled() -> int:
    if not os.environ.get("LLMPROXY_SCRIPTED_STATS"):
        pytest.skip("LLMPROXY_SCRIPTED_STATS is not set")
    with urllib.request.urlopen(os.environ["LLMPROXY_SCRIPTED_STATS"], timeout=5) as reply:
        return json.load(reply)["cancelled"]
