"""Codex as a program, without a terminal: it reaches the gateway and nothing else (../loopback_only.py)."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CODEX = HERE / "node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex"
LOOPBACK_ONLY = HERE.parent / "loopback_only.py"
BASE_URL = os.environ["LLMPROXY_BASE_URL"]
KEY = os.environ["LLMPROXY_KEY"]
PORT = re.search(r":(\d+)/", BASE_URL).group(1)
# A name that Codex knows, so that it offers apply_patch. The gateway has it from the scripted provider.
MODEL = "gpt-5.5"
UNKNOWN_MODEL = os.environ["LLMPROXY_SCRIPTED_MODEL"]

CONFIG = """
model = "{model}"
{provider}
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.gateway]
name = "gateway"
base_url = "{base_url}"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
"""
GATEWAY = 'model_provider = "gateway"'
BUILT_IN = f'openai_base_url = "{BASE_URL}"'


class Codex:
    """Codex with a home and a working folder of its own."""

    def __init__(self, folder):
        self.home = folder / "home"
        self.work = folder / "work"
        self.home.mkdir()
        self.work.mkdir()

    def run(self, prompt, provider=GATEWAY, model=MODEL):
        """The exit status, the answer, and everything else that Codex says."""
        config = CONFIG.format(model=model, provider=provider, base_url=BASE_URL)
        (self.home / "config.toml").write_text(config)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CODEX_HOME": str(self.home),
            "OPENAI_API_KEY": KEY,
            "CODEX_API_KEY": KEY,
        }
        command = [sys.executable, LOOPBACK_ONLY, PORT, CODEX, "exec", "--skip-git-repo-check", prompt]
        done = subprocess.run(
            list(map(str, command)), cwd=self.work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout.strip(), done.stderr


@pytest.fixture
def codex(tmp_path):
    return Codex(tmp_path)


def provider_requests():
    with urllib.request.urlopen(os.environ["LLMPROXY_SCRIPTED_STATS"], timeout=30) as reply:
        return json.load(reply)["requests"]


def calling(tool, **arguments):
    """A prompt for which the scripted model calls a tool, and then repeats its result."""
    return f"[[script calls='{tool} {json.dumps(arguments)}']]"


@pytest.mark.parametrize("provider", [GATEWAY, BUILT_IN], ids=["own_provider", "built_in_provider"])
def test_plain_answer(codex, provider):
    # The built-in provider asks for a WebSocket first.
    status, answer, log = codex.run("hello there", provider)

    assert (status, answer) == (0, "You said: hello there"), log
    assert "Reconnecting" not in log


def test_model_that_codex_does_not_know(codex):
    status, answer, log = codex.run("hello there", model=UNKNOWN_MODEL)

    assert (status, answer) == (0, "You said: hello there"), log


def test_shell_command_runs(codex):
    status, answer, log = codex.run(calling("exec_command", cmd="echo from-codex > out.txt; cat out.txt"))

    assert status == 0, log
    assert (codex.work / "out.txt").read_text() == "from-codex\n"
    assert answer.startswith("The tool said:")
    assert "from-codex" in answer


def test_custom_tool_edits_a_file(codex):
    (codex.work / "greeting.txt").write_text("hello\n")
    patch = "*** Begin Patch\n*** Update File: greeting.txt\n@@\n-hello\n+good day\n*** Add File: new.txt\n+new\n*** End Patch"

    status, answer, log = codex.run(calling("apply_patch", input=patch))

    assert status == 0, log
    assert (codex.work / "greeting.txt").read_text() == "good day\n", answer
    assert (codex.work / "new.txt").read_text() == "new\n"


def test_tool_in_a_namespace_comes_back_with_its_namespace(codex):
    # Models that Codex knows get other tools for this.
    status, answer, log = codex.run(calling("multi_agent_v1__spawn_agent", message="hi"), model=UNKNOWN_MODEL)

    assert status == 0, log
    assert "unsupported call" not in answer + log
    # The answer is the call's result, or what the new agent tells later.
    assert "SpawnAgent" in log
    assert "agent_id" in answer or "subagent_notification" in answer


def test_servers_search_answers_codex(codex):
    status, answer, log = codex.run(calling("web_search", query="camels"))

    assert status == 0, log
    assert "https://example.com/found" in answer


def test_sealed_reasoning_survives_the_rounds_of_tools(codex):
    status, answer, log = codex.run("[[script reasoning=1 calls='exec_command {\"cmd\": \"true\"}']]")

    assert status == 0, log
    assert answer.startswith("The tool said:")


@pytest.mark.parametrize(
    "script, most, said",
    [
        ("status=400 code=bad_thing", 1, "Scripted failure with status 400"),
        ("status=500", 5, "at capacity"),
        ("chunks=5 cut=2", 6, "The connection to the provider"),
    ],
)
def test_failures_are_shown_and_seldom_repeated(codex, script, most, said):
    before = provider_requests()

    status, _, log = codex.run(f"[[script {script}]]")

    assert status != 0
    assert said in log
    assert provider_requests() - before <= most


def test_unknown_model_is_asked_for_once(codex):
    status, _, log = codex.run("hi", model="nowhere/at-all")

    assert status != 0
    assert "does not exist" in log
    assert "Reconnecting" not in log
