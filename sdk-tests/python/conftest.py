"""The settings of the tests are environment variables, which ../run sets."""

import json
import os
import urllib.request

import openai
import pytest


def setting(name: str) -> str:
    if not os.environ.get(name):
        pytest.exit(f"{name} is not set: start the tests with sdk-tests/run", returncode=2)
    return os.environ[name]


def optional_setting(name: str) -> str:
    if not os.environ.get(name):
        pytest.skip(f"{name} is not set")
    return os.environ[name]


@pytest.fixture(scope="session")
def base_url() -> str:
    return setting("LLMPROXY_BASE_URL")


@pytest.fixture(scope="session")
def key() -> str:
    return setting("LLMPROXY_KEY")


@pytest.fixture(scope="session")
def model() -> str:
    """A model of the scripted provider."""
    return setting("LLMPROXY_SCRIPTED_MODEL")


@pytest.fixture(scope="session")
def local_model() -> str:
    return optional_setting("LLMPROXY_LOCAL_MODEL")


@pytest.fixture(scope="session")
def revoked_key() -> str:
    return optional_setting("LLMPROXY_REVOKED_KEY")


@pytest.fixture(scope="session")
def tiny_key() -> str:
    """A key with three requests a minute, for one test to use up."""
    return optional_setting("LLMPROXY_TINY_KEY")


@pytest.fixture
def client(base_url, key):
    # Without retries, so that a test sees the first answer.
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def provider():
    """A client of the scripted provider itself, without the gateway."""
    url = optional_setting("LLMPROXY_SCRIPTED_STATS").removesuffix("/stats") + "/v1"
    with openai.OpenAI(base_url=url, api_key="x", max_retries=0) as client:
        yield client


@pytest.fixture
def provider_stats():
    """Reads the scripted provider's counters."""
    url = optional_setting("LLMPROXY_SCRIPTED_STATS")

    def read() -> dict:
        with urllib.request.urlopen(url, timeout=30) as reply:
            return json.load(reply)

    return read


@pytest.fixture
def release():
    """Releases an answer that the scripted provider holds."""
    url = optional_setting("LLMPROXY_SCRIPTED_STATS").removesuffix("/stats") + "/release"
    return lambda: urllib.request.urlopen(url, timeout=30).close()


def user(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]
