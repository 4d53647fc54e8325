"""
The way of a request through AWS Lambda: event → Lambda Web Adapter → server → streamed answer. Lambda is a stand-in (runtime_api.py);
so is the adapter (adapter.py), and where the real one is in target/deploy-tools/bin (docs/deployment.md), it is tested, too.
"""

import json
import re
import sys
from pathlib import Path

import pytest
from conftest import ROOT, started, wait_until
from runtime_api import RuntimeApi

HERE = Path(__file__).resolve().parent
REAL = ROOT / "target/deploy-tools/bin/lambda-adapter"
ADAPTERS = {"stand-in": [sys.executable, str(HERE / "adapter.py")], "real adapter": [str(REAL)]}
ANSWER_SECONDS = 60


def variables_of_the_image():
    text = (ROOT / "deploy/lambda/Dockerfile").read_text()
    return dict(re.findall(r"\b(AWS_LWA_[A-Z_]+)=(\S+)", text))


@pytest.fixture(scope="module", params=ADAPTERS)
def function(request, server, folder):
    if request.param == "real adapter" and not REAL.exists():
        pytest.skip("the Lambda Web Adapter is not in target/deploy-tools/bin (docs/deployment.md says how to build it)")
    api = RuntimeApi()
    log = folder / "adapter.log"
    environment = {
        "PATH": "/usr/bin:/bin",
        **variables_of_the_image(),
        "AWS_LWA_PORT": str(server.port),
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "test",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "test",
        "AWS_LAMBDA_LOG_STREAM_NAME": "test",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }
    try:
        with started(["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *ADAPTERS[request.param]], log) as process:
            wait_until(api.asked_for_next.is_set, ANSWER_SECONDS, process, log)
            api.key = server.key
            yield api
    finally:
        api.close()


def chat(function, key=None, **more):
    body = {"model": "openai/scripted-slow", "messages": [{"role": "user", "content": "Hello"}], "stream": True, **more}
    answer = function.invoke(
        "POST", "/v1/chat/completions", json.dumps(body).encode(), authorization=f"Bearer {key or function.key}", content_type="application/json"
    )
    assert answer.done.wait(ANSWER_SECONDS)
    assert answer.error is None
    return answer


def test_stream_arrives_event_by_event(function):
    answer = chat(function)

    assert answer.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert answer.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert (answer.head["statusCode"], answer.head["headers"]["content-type"].split(";")[0]) == (200, "text/event-stream")
    assert answer.body.rstrip().endswith("data: [DONE]")
    # The provider takes five seconds for a hundred parts. Nothing on the way collects them.
    times = [at for at, part in answer.parts if b"data: " in part]
    assert len(times) > 50
    assert times[-1] - times[0] > 2


def test_whole_answer_has_its_status_and_type(function):
    answer = chat(function, model="openai/scripted", stream=False)

    assert (answer.head["statusCode"], answer.head["headers"]["content-type"].split(";")[0]) == (200, "application/json")
    assert json.loads(answer.body)["choices"][0]["message"]["content"]


def test_wrong_key_is_refused_through_lambda(function):
    answer = chat(function, key="sk-wrong")

    assert answer.head["statusCode"] == 401
    assert json.loads(answer.body)["error"]["code"] == "invalid_api_key"


def test_adapter_is_registered_as_an_extension(function):
    assert function.extensions == [("lambda-adapter", {"events": []})]
