"""The program llm, with the settings that `./llmproxy connect llm` prints."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def llm(base_url, key, model, tmp_path_factory):
    """Calls llm with a folder of its own."""
    folder = tmp_path_factory.mktemp("llm")
    command = [ROOT / "llmproxy", "connect", "llm", "--key", key, "--model", model, "--url", base_url.removesuffix("/v1")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    responses = f"- model_id: llmproxy-responses\n  model_name: {model}\n  api_base: {base_url}\n  api_key_name: llmproxy\n  responses: true\n"
    (folder / "extra-openai-models.yaml").write_text(printed + responses)

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            env={**os.environ, "LLM_USER_PATH": str(folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("keys", "set", "llmproxy", "--value", key)
    return call


@pytest.mark.parametrize("name", ["llmproxy", "llmproxy-text", "llmproxy-responses"])
@pytest.mark.parametrize("options", [[], ["--no-stream"]], ids=["stream", "whole"])
def test_answers_in_each_format(llm, name, options):
    assert "hello there" in llm("-m", name, *options, "hello there")
