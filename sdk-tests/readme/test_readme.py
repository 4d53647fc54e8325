"""What README.md shows is what runs: its own blocks are taken out and typed, on a free port and a fresh data folder.

`make dev` runs the built product: what it builds and fetches the first time is there already.
"""

import json
import os
import platform
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CAMEL_JBANG = (ROOT / "docs/camel-jbang.md").read_text()
START_SECONDS = 120
STOP_SECONDS = 90
LOCAL_ADDRESS = "http://localhost:3000"


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block(language, containing):
    found = [each for each in blocks(language) if containing in each]
    assert len(found) == 1, f"{len(found)} {language} blocks of README.md hold {containing!r}"
    return found[0]


def lines(text):
    """The commands of a block, without comments."""
    return [shlex.join(shlex.split(line, comments=True)) for line in text.splitlines() if line.strip()]


class Dev:
    """A running `make dev`, or another command that starts it."""

    def __init__(self, line, port, data, **settings):
        self.address = f"http://localhost:{port}"
        # No web search, so that the documents answer with and without the internet.
        nobody = {"WIKIPEDIA_BASE_URL": "http://127.0.0.1:9"}
        self.env = {**os.environ, "PORT": str(port), "LLMPROXY_DATA": str(data), **nobody, **settings}
        # Tables with 80 columns break long cells.
        self.env["COLUMNS"] = "200"
        self.log = Path(data) / "dev.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", line],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A shell ignores the signal in background jobs, and child processes inherit that.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
        try:
            self.wait_until_ready()
        except BaseException:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while "Try it:" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)

    def first_key(self):
        return re.search(r"sk-[A-Za-z0-9]{48}", self.log.read_text()).group()

    def press_ctrl_c(self):
        """Sends the signal to all processes of the group, as a terminal does. The server must end by itself and report it."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(STOP_SECONDS)
        assert "llmproxy has stopped." in self.log.read_text()


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    running = Dev(lines(block("sh", "make dev\n"))[0], free_port(), tmp_path_factory.mktemp("data"))
    running.env["LLMPROXY_KEY"] = running.first_key()
    yield running
    running.press_ctrl_c()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def typed(dev, command, folder=ROOT):
    return subprocess.run(
        command, cwd=folder, env=dev.env, capture_output=True, text=True, timeout=120, shell=isinstance(command, str)
    )


def here(dev, code):
    assert LOCAL_ADDRESS in code
    return code.replace(LOCAL_ADDRESS, dev.address)


def succeeded(answer):
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_curl(dev):
    stream = succeeded(typed(dev, here(dev, block("sh", "What is the capital of France?"))))

    chunks = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert "Paris" in text
    assert stream.rstrip().endswith("data: [DONE]")


def test_server_tools(dev):
    stream = succeeded(typed(dev, here(dev, block("sh", "web_search"))))

    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    assert stream.count("event: tool_notification\n") == 2
    assert [(event["tool"], event["status"]) for event in events[:2]] == [
        ("web_search", "started"),
        ("web_search", "completed"),
    ]
    assert re.fullmatch(r"[1-5] results? from docs", events[1]["result"])
    pieces = [event["choices"][0]["delta"].get("content") for event in events[2:-1]]
    assert len(pieces) > 3 and all(pieces)
    assert stream.endswith("data: [DONE]\n\n")


def test_curl_line_of_make_dev(dev):
    printed = dev.log.read_text().split("Try it:")[1].split("\n\n")[1]

    assert "[DONE]" in succeeded(typed(dev, printed))


def test_python(dev):
    assert "Paris" in succeeded(typed(dev, [sys.executable, "-c", here(dev, block("python", "OpenAI"))]))


def test_node(dev):
    command = ["node", "--input-type=module", "--eval", here(dev, block("js", "OpenAI"))]

    assert "Paris" in succeeded(typed(dev, command, ROOT / "sdk-tests/node"))


NEEDS_LINUX = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="the programs are for Linux on x86-64"
)


def with_program(dev, code, program, home):
    """The result of a block that calls a program, which reaches the server and nothing else."""
    (home / ".codex").mkdir()
    port = dev.address.rsplit(":", 1)[1]
    path = f"{program.parent}:{os.environ['PATH']}"
    env = {**dev.env, "HOME": str(home), "CODEX_HOME": str(home / ".codex"), "PATH": path}
    # The block is typed in the folder of llmproxy; what it writes there goes to a folder of its own.
    code = code.replace("./llmproxy", str(ROOT / "llmproxy"))
    command = [sys.executable, ROOT / "sdk-tests/loopback_only.py", port, "bash", "-c", code]
    work = home / "work"
    work.mkdir()
    subprocess.run(["git", "init", "-q", work], check=True)
    return subprocess.run(
        list(map(str, command)), cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )


@NEEDS_LINUX
def test_claude_code(dev, tmp_path):
    program = ROOT / "sdk-tests/claude-code/node_modules/@anthropic-ai/claude-code-linux-x64/claude"

    answer = with_program(dev, here(dev, block("bash", "ANTHROPIC_BASE_URL")), program, tmp_path)

    assert "Paris" in succeeded(answer)


@NEEDS_LINUX
def test_codex(dev, tmp_path):
    program = ROOT / "sdk-tests/codex/node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex"

    answer = with_program(dev, block("bash", "codex exec"), program, tmp_path)

    assert "Paris" in succeeded(answer)


def test_java(dev, tmp_path):
    source = tmp_path / "Hello.java"
    source.write_text(here(dev, block("java", "OpenAI")))
    class_path = Path(os.environ["LLMPROXY_JAVA_SDK_CLASS_PATH"]).read_text().strip()
    java = Path(os.environ["JAVA_HOME"]) / "bin/java"

    assert "Paris" in succeeded(typed(dev, [str(java), "-cp", class_path, str(source)]))


def test_commands(dev):
    created, listed, usage, doctor, tested = lines(block("sh", "create-api-key"))
    revoked = re.search(r"`(\./llmproxy revoke-key [^`]+)`", README)[1]

    assert "will not be shown again" in succeeded(typed(dev, created))
    assert "ann@example.com" in succeeded(typed(dev, listed))
    assert "developer@example.com" in succeeded(typed(dev, usage))
    assert "problem" not in succeeded(typed(dev, doctor))
    answer = succeeded(typed(dev, tested))
    assert f":{dev.address.split(':')[2]}/v1" in answer
    assert "PASS  stream" in answer and "PASS  tools" in answer and "FAIL" not in answer
    assert "Revoked: " in succeeded(typed(dev, revoked))


@pytest.mark.parametrize("line", block("sh", "GROQ_API_KEY").strip().splitlines())
def test_provider_with_its_setting_is_configured(line, tmp_path):
    running = Dev(line.replace("…", "x"), free_port(), tmp_path, LOCAL_MODEL="off")
    try:
        request = urllib.request.Request(
            running.address + "/v1/models", headers={"Authorization": "Bearer " + running.first_key()}
        )
        listed = [each["id"] for each in json.load(urllib.request.urlopen(request, timeout=10))["data"]]
        named = re.findall(r"[a-z]+/[a-z0-9.-]+\b", line.split("#")[1])
        assert set(named) <= set(listed)
        provider = line.split("_")[0].lower()
        assert re.search(rf"providers .*\b{provider}\b", running.log.read_text())
    finally:
        running.press_ctrl_c()


def test_camel_line_is_the_one_of_the_suite_jbang():
    assert blocks("sh", CAMEL_JBANG)[0] in README


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_links_have_targets(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_picture_names_existing_routes():
    picture = README.split("The way of a request")[1].split("```")[1]
    routes = {path.name.removesuffix(".camel.yaml") for path in (ROOT / "routes").glob("*.camel.yaml")}

    assert routes - set(re.findall(r"[a-z]+(?:-[a-z]+)*", picture)) == set()
