"""opencode as a program, without a terminal: it reaches the gateway and nothing else (../loopback_only.py)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OPENCODE = HERE / "node_modules/opencode-linux-x64/bin/opencode"
LOOPBACK_ONLY = HERE.parent / "loopback_only.py"
BASE_URL = os.environ["LLMPROXY_BASE_URL"]
KEY = os.environ["LLMPROXY_KEY"]
MODEL = os.environ["LLMPROXY_SCRIPTED_MODEL"]
PORT = re.search(r":(\d+)/", BASE_URL).group(1)
FORMATS = {"chat": "@ai-sdk/openai-compatible", "responses": "@ai-sdk/openai", "messages": "@ai-sdk/anthropic"}


def settings():
    """The settings that `./llmproxy connect opencode` prints."""
    command = [ROOT / "llmproxy", "connect", "opencode", "--key", KEY, "--model", MODEL, "--url", BASE_URL.removesuffix("/v1")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return json.loads(printed)


def run(folder, package, prompt):
    """What opencode answers with one of its packages for providers."""
    config = settings()
    config["provider"]["llmproxy"]["npm"] = package
    config |= {"autoupdate": False, "share": "disabled", "permission": {"bash": "allow", "edit": "allow"}}
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()
    (work / "opencode.json").write_text(json.dumps(config))
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    }
    command = [sys.executable, LOOPBACK_ONLY, PORT, OPENCODE, "run"]
    # It would quote an argument with spaces.
    return subprocess.run(
        list(map(str, command)), cwd=work, env=env, input=prompt, capture_output=True, text=True, timeout=180
    )


@pytest.mark.parametrize("package", FORMATS.values(), ids=FORMATS)
def test_plain_answer(tmp_path, package):
    done = run(tmp_path, package, "hello there")

    assert done.returncode == 0, done.stderr
    assert "hello there" in done.stdout


@pytest.mark.parametrize("package", FORMATS.values(), ids=FORMATS)
def test_shell_command_runs(tmp_path, package):
    arguments = json.dumps({"command": "echo from-opencode > out.txt", "description": "writes a file"})

    done = run(tmp_path, package, f"[[script calls='bash {arguments}']]")

    assert (tmp_path / "work/out.txt").read_text() == "from-opencode\n", done.stdout + done.stderr
