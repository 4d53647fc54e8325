"""Runs the documented `camel run` line with the real Camel JBang CLI. ../run sets the environment."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES = ["README.md", "docs/camel-jbang.md"]
MODEL = "openai/scripted"
START_SECONDS = 180  # the first run downloads libraries
STOP_SECONDS = 60
CANCEL_SECONDS = 30
MOST_BODY_MEGABYTES = 1


def documented_line():
    for page in filter(Path.exists, (ROOT / page for page in PAGES)):
        for block in re.findall(r"^```.*?\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                if line.startswith("camel run"):
                    return line
    pytest.fail(f"No line in {' or '.join(PAGES)} starts with: camel run")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.1)


def request(port, method, path, body=None, key=None):
    """Returns the response, after its body was read, and the body as JSON."""
    with open_request(port, method, path, body, key) as response:
        text = response.read()
        return response, json.loads(text)


@contextlib.contextmanager
def open_request(port, method, path, body=None, key=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        connection.request(method, path, body and json.dumps(body), headers)
        yield connection.getresponse()


def chat(content, **options):
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], **options}


@pytest.fixture(scope="module")
def provider_stats():
    """Reads the scripted provider's counters."""
    url = os.environ.get("LLMPROXY_SCRIPTED_STATS")
    if not url:
        pytest.exit("LLMPROXY_SCRIPTED_STATS is not set: start the tests with sdk-tests/run", 2)
    address = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/stats", url)

    def read():
        return request(int(address[1]), "GET", "/stats")[1]

    read.release = lambda: request(int(address[1]), "GET", "/release")
    read.base_url = url.removesuffix("/stats") + "/v1"
    return read


@pytest.fixture(scope="module")
def gateway(provider_stats, tmp_path_factory):
    port = free_port()
    env = {
        **os.environ,
        "PATH": f"{HERE}:{os.environ['PATH']}",
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "MAX_BODY_MB": str(MOST_BODY_MEGABYTES),
        "LLMPROXY_DATA": str(tmp_path_factory.mktemp("data")),
        "LOCAL_MODEL": "off",
        "OPENAI_BASE_URL": provider_stats.base_url,
        "OPENAI_API_KEY": "x",
        "LIVE_MODELS": "off",
    }
    log_file = ROOT / "target/camel-run.log"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {documented_line()}"],
            cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            wait_until(lambda: process.poll() is not None or answers(port), START_SECONDS)
            assert process.poll() is None, log_file.read_text()[-4000:]
            yield SimpleNamespace(port=port, env=env, process=process, log=log_file)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(port):
    with contextlib.suppress(OSError):
        return bool(request(port, "GET", "/v1/models"))
    return False


@pytest.fixture(scope="module")
def key(gateway):
    answer = llmproxy(gateway, "create-api-key", "test@example.com", "camel run", "--json")
    return answer["key"]


def llmproxy(gateway, *arguments):
    command = [ROOT / "llmproxy", *arguments]
    return json.loads(subprocess.check_output(command, env=gateway.env, text=True))


def test_lists_models(gateway, key):
    response, models = request(gateway.port, "GET", "/v1/models", key=key)

    assert response.status == 200
    assert models["object"] == "list"


def test_answers_without_streaming(gateway, key):
    body = chat("Good morning")
    response, completion = request(gateway.port, "POST", "/v1/chat/completions", body, key)

    assert response.status == 200
    assert "Good morning" in completion["choices"][0]["message"]["content"]
    assert response.headers["x-request-id"].startswith("req_")
    assert int(response.headers["openai-processing-ms"]) >= 0


def test_chunk_is_sent_before_the_provider_sends_the_next(gateway, key, provider_stats):
    body = chat("[[script chunks=3 hold=1]]", stream=True)
    with open_request(gateway.port, "POST", "/v1/chat/completions", body, key) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert any(b"word1" in line for line in response)
        provider_stats.release()
        rest = response.read()

    assert b"word2" in rest and b"word3" in rest
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("script", ["chunks=600 gap=100", "silent=1"])
def test_leaving_a_stream_cancels_the_providers_answer(gateway, key, provider_stats, script):
    before = provider_stats()["cancelled"]
    body = chat(f"[[script {script}]]", stream=True)
    with open_request(gateway.port, "POST", "/v1/chat/completions", body, key) as response:
        assert response.readline().startswith(b"data: ")

    wait_until(lambda: provider_stats()["cancelled"] > before, CANCEL_SECONDS)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/models", 401, None),
        ("GET", "/v1/nothing", 404, "unknown_url"),
        ("DELETE", "/v1/chat/completions", 405, "method_not_supported"),
    ],
)
def test_errors_have_openais_format(gateway, method, path, status, code):
    response, answer = request(gateway.port, method, path)

    assert response.status == status
    assert response.headers["x-request-id"].startswith("req_")
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["code"] == code


def test_large_body_is_rejected(gateway, key):
    body = chat("x" * (MOST_BODY_MEGABYTES << 20))
    response, answer = request(gateway.port, "POST", "/v1/chat/completions", body, key)

    assert response.status == 413
    assert answer["error"]["message"]


def test_shutdown_is_clean_and_stores_the_usage(gateway, key):
    gateway.process.terminate()

    gateway.process.wait(STOP_SECONDS)
    log = re.sub(r"\x1b\[[0-9;]*m", "", gateway.log.read_text())
    assert re.search(r"Apache Camel .* \(llmproxy\) shutdown", log)
    assert not re.search(r" ERROR |^\s+at \S+\(", log, re.MULTILINE), log[-4000:]
    (usage,) = llmproxy(gateway, "usage", "--json")
    assert (usage["email"], usage["model"]) == ("test@example.com", MODEL)
    assert usage["requests"] == 4
