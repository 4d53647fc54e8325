"""Claude Code as a program, without a terminal: it reaches the gateway and nothing else (../loopback_only.py)."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CLAUDE = HERE / "node_modules/@anthropic-ai/claude-code-linux-x64/claude"
LOOPBACK_ONLY = HERE.parent / "loopback_only.py"
KEY = os.environ["LLMPROXY_KEY"]
PORT = re.search(r":(\d+)/", os.environ["LLMPROXY_BASE_URL"]).group(1)
# An alias of the scripted model (MODEL_ALIASES of ../run), with a name that Claude Code knows.
MODEL = "claude-opus-5"
UNKNOWN_MODEL = os.environ["LLMPROXY_SCRIPTED_MODEL"]


class Claude:
    """Claude Code with a home and a working folder of its own."""

    def __init__(self, folder):
        self.home = folder / "home"
        self.work = folder / "work"
        self.home.mkdir()
        self.work.mkdir()

    def run(self, prompt, *tools, model=MODEL, options=(), **env):
        """The exit status, the answer, and everything else that Claude Code says."""
        command = [sys.executable, LOOPBACK_ONLY, PORT, CLAUDE, "-p", prompt, "--model", model, *options]
        if tools:
            command += ["--allowedTools", *tools]
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{PORT}",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            **(env or {"ANTHROPIC_AUTH_TOKEN": KEY}),
        }
        done = subprocess.run(
            list(map(str, command)), cwd=self.work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout.strip(), done.stderr


@pytest.fixture
def claude(tmp_path):
    return Claude(tmp_path)


def provider_requests():
    with urllib.request.urlopen(os.environ["LLMPROXY_SCRIPTED_STATS"], timeout=30) as reply:
        return json.load(reply)["requests"]


def call(tool, **arguments):
    return f"{tool} {json.dumps(arguments)}"


def calling(*turns):
    """A prompt for which the scripted model calls tools, and then repeats the last result."""
    return f"[[script calls='{' | '.join(turns)}']]"


@pytest.mark.parametrize("model", [MODEL, "claude-haiku-4-5", UNKNOWN_MODEL])
def test_plain_answer(claude, model):
    status, answer, log = claude.run("hello there", model=model)

    assert status == 0, log
    # Claude Code puts reminders of its own before the prompt.
    assert answer.startswith("You said: ")
    assert answer.endswith("hello there")


def test_key_in_x_api_key(claude):
    status, answer, log = claude.run("hello there", ANTHROPIC_API_KEY=KEY)

    assert status == 0, log
    assert answer.endswith("hello there")


def test_shell_command_runs(claude):
    prompt = calling(call("Bash", command="echo from-claude > out.txt; cat out.txt"))

    status, answer, log = claude.run(prompt, "Bash")

    assert (status, answer) == (0, "The tool said: from-claude"), log
    assert (claude.work / "out.txt").read_text() == "from-claude\n"


def test_several_calls_in_a_turn_all_run(claude):
    prompt = calling(call("Bash", command="echo 1 > a") + " & " + call("Bash", command="echo 2 > b"))

    status, answer, log = claude.run(prompt, "Bash")

    assert status == 0, log
    assert answer.startswith("The tool said:")
    assert (claude.work / "a").exists() and (claude.work / "b").exists()


def test_file_is_written_and_edited(claude):
    file = str(claude.work / "greeting.txt")
    prompt = calling(
        call("Write", file_path=file, content="hello\n"),
        call("Edit", file_path=file, old_string="hello", new_string="good day"),
    )

    status, answer, log = claude.run(prompt, "Write", "Edit")

    assert status == 0, log
    assert (claude.work / "greeting.txt").read_text() == "good day\n", answer


def test_failure_of_a_tool_reaches_the_model(claude):
    status, answer, log = claude.run(calling(call("Read", file_path="/no/such/file")), "Read")

    assert status == 0, log
    assert answer.startswith("The tool said: Error: ")
    assert "does not exist" in answer


def test_servers_search_answers_web_search(claude):
    status, answer, log = claude.run(calling(call("WebSearch", query="camels")), "WebSearch")

    assert status == 0, log
    assert answer.startswith('The tool said: Web search results for query: "camels"')
    assert "https://example.com/found" in answer


@pytest.mark.parametrize(
    "model, said",
    # For models that it knows, Claude Code adds a text to the result.
    [(MODEL, "You said: Tool loaded."), (UNKNOWN_MODEL, "The tool said: Loaded: WebFetch")],
)
def test_deferred_tool_is_loaded(claude, model, said):
    prompt = calling(call("ToolSearch", query="select:WebFetch", max_results=1))

    status, answer, log = claude.run(prompt, model=model)

    assert (status, answer) == (0, said), log


def test_reasoning_survives_the_rounds_of_tools(claude):
    prompt = f"[[script reasoning=1 calls='{call('Bash', command='echo once')} | {call('Bash', command='echo twice')}']]"

    status, answer, log = claude.run(prompt, "Bash")

    assert (status, answer) == (0, "The tool said: twice"), log


def test_context_is_counted_without_the_provider(claude):
    before = provider_requests()

    status, answer, log = claude.run("/context")

    assert status == 0, log
    tokens = re.search(r"System tools \| ([\d.]+)k", answer)
    assert tokens and float(tokens.group(1)) > 1, answer
    assert provider_requests() == before


@pytest.mark.parametrize(
    "script, most, said",
    [
        ("status=400 code=context_length_exceeded", 2, "too long"),
        ("status=404", 2, "claude-opus-5"),
        ("chunks=5 cut=2", 2, "The connection to the provider"),
    ],
)
def test_failures_are_shown_and_seldom_repeated(claude, script, most, said):
    before = provider_requests()

    status, answer, log = claude.run(f"[[script {script}]]")

    assert status != 0
    assert said in answer + log
    assert provider_requests() - before <= most


def test_broken_stream_is_followed_by_a_whole_answer(claude):
    before = provider_requests()

    status, answer, log = claude.run("[[script fails=1 chunks=5 cut=2]]")

    assert status == 0, log
    assert answer == "word1 word2 word3 word4 word5"
    assert provider_requests() - before == 2


def test_model_that_does_not_exist_is_named(claude):
    status, answer, log = claude.run("hi", model="nowhere/at-all")

    assert status != 0
    assert "nowhere/at-all" in answer + log
