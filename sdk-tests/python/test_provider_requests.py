"""The requests to providers of other formats, as the golden files have them, fit the types of the providers' own SDKs."""

import importlib
import json
import pkgutil
from pathlib import Path

import anthropic.types
import pytest
from anthropic.types import message_create_params
from google.genai import types as gemini
from pydantic import ConfigDict, TypeAdapter
from typing_extensions import is_typeddict

FIXTURES = Path(__file__).resolve().parents[2] / "src/test/resources/fixtures"

# Fields of the version 2023-06-01 that the SDK, which asks for 2026-10-21, no longer has.
OF_THE_OLDER_VERSION = ("temperature", "top_p", "top_k")


def golden(provider):
    files = sorted((FIXTURES / provider / "requests").glob("*.sent.json"))
    return [pytest.param(file, id=file.name.removesuffix(".sent.json")) for file in files]


def sent(file):
    return json.loads(file.read_text())["request"]


@pytest.fixture(scope="module")
def messages_request():
    for module in pkgutil.iter_modules(anthropic.types.__path__):
        for value in vars(importlib.import_module(f"anthropic.types.{module.name}")).values():
            if is_typeddict(value) and not getattr(value, "__pydantic_config__", None):
                value.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(message_create_params.MessageCreateParamsStreaming)


def read(value):
    """Reads all of a value: pydantic checks the items of an Iterable when they are read."""
    if isinstance(value, dict):
        for each in value.values():
            read(each)
    elif not isinstance(value, (str, int, float, bool, type(None))):
        for each in value:
            read(each)


@pytest.mark.parametrize("file", golden("anthropic"))
def test_anthropic(messages_request, file):
    request = {key: value for key, value in sent(file).items() if key not in OF_THE_OLDER_VERSION}
    read(messages_request.validate_python(request))


def test_the_types_refuse_what_is_wrong(messages_request):
    request = sent(FIXTURES / "anthropic/requests/minimal.sent.json")
    for wrong in ({"unknown": 1}, {"messages": [{"role": "user", "content": [{"type": "txt"}]}]}):
        with pytest.raises(ValueError):
            read(messages_request.validate_python({**request, **wrong}))


GEMINI_FIELDS = {
    "systemInstruction": gemini.Content,
    "toolConfig": gemini.ToolConfig,
    "generationConfig": gemini.GenerationConfig,
}


def read_gemini(request):
    assert set(request) <= {"contents", "tools", *GEMINI_FIELDS}
    for content in request["contents"]:
        gemini.Content.model_validate(content)
    for tool in request.get("tools", []):
        gemini.Tool.model_validate(tool)
    for field, kind in GEMINI_FIELDS.items():
        if field in request:
            kind.model_validate(request[field])


@pytest.mark.parametrize("file", golden("gemini"))
def test_gemini(file):
    read_gemini(sent(file))


def test_the_types_of_gemini_refuse_what_is_wrong():
    request = sent(FIXTURES / "gemini/requests/minimal.sent.json")
    for wrong in (
        {"contents": [{"role": "user", "parts": [{"txt": "a"}]}]},
        {"generationConfig": {"top_p": {}, "unknown": 1}},
    ):
        with pytest.raises(ValueError):
            read_gemini({**request, **wrong})
