"""Checks streams and replies of a started gateway against the wire contract and OpenAI's schema."""

import http.client
from urllib.parse import urlsplit

import pytest
import wire
from conftest import user


@pytest.fixture
def send(base_url, key):
    def send(model, text, headers=None, **body):
        headers = {"Accept-Encoding": "gzip", **(headers or {})}
        body = {"model": model, "messages": user(text), **body}
        return wire.post(f"{base_url}/chat/completions", key, body, headers)

    return send


SCRIPTS = [
    "",
    "tools=1",
    "tools=3",
    "reasoning=1",
    "groq=1",
    "bare=1",
    "bare=1 tools=2",
    "fields=1",
    "crlf=1",
    "split=1",
    "utf8=1",
    "finish=eos",
    "n=2",
    "chunks=300",
    "groq=1 tools=2 fields=1",
]


# wire 5.headers, 5.compress, 5.form, 5.1, 5.2, 5.3, 5.3b, 5.4, 5.4b, 5.5b, 5.6, 5.7
@pytest.mark.parametrize("script", SCRIPTS)
def test_stream(send, model, script):
    reply = send(model, f"hi [[script {script}]]", stream=True)

    assert wire.stream_violations(reply, model, usage_asked=False) == []


# wire 5.5
# The bare provider reports no usage.
@pytest.mark.parametrize("script", [script for script in SCRIPTS if "bare" not in script])
def test_stream_with_usage(send, model, script):
    options = {"include_usage": True}

    reply = send(model, f"hi [[script {script}]]", stream=True, stream_options=options)

    assert wire.stream_violations(reply, model, usage_asked=True) == []


# wire 1.2, 1.2b
@pytest.mark.parametrize("mishap", ["cut=3", "end=3", "error=3", "cut=0"])
def test_stream_that_fails_in_the_middle(send, model, mishap):
    reply = send(model, f"[[script chunks=9 gap=5 {mishap}]]", stream=True)

    if reply.status == 200:
        assert wire.broken_stream_violations(reply) == []
    else:  # before the first content
        assert mishap == "cut=0" and reply.status == 502
        assert wire.error_violations(reply.json()) == []


# wire 4.shape
@pytest.mark.parametrize("script", SCRIPTS)
def test_reply_without_streaming(send, model, script):
    reply = send(model, f"hi [[script {script}]]")

    assert reply.status == 200
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.headers["x-request-id"].startswith("req_")
    assert wire.schema_violations("CreateChatCompletionResponse", reply.json()) == []
    assert reply.json()["model"] == model


TOOLS = [{"type": "web_search"}, {"type": "calculator"}, {"type": "current_time"}]
# Two tools at once, then a third; text before each turn's calls.
TURNS = (
    "[[script say='Let me look.' calls='web_search {\"query\": \"camels\"}"
    " & calculator {\"expression\": \"6*7\"} | current_time {}']]"
)


@pytest.fixture
def send_tools(send, model):
    def send_tools(mode, text=TURNS):
        headers = {"X-Tool-Notifications": mode} if mode else {}
        options = {"include_usage": True}
        return send(model, text, headers, tools=TOOLS, stream=True, stream_options=options)

    return send_tools


# wire 1.1, 1.1chunk, 1.1order, 1.1calls, 1.1comment, 1.1off
@pytest.mark.parametrize("mode", [None, "hybrid", "comment", "off"])
def test_stream_with_server_tools(send_tools, model, mode):
    reply = send_tools(mode)

    assert wire.stream_violations(reply, model, usage_asked=True) == []
    assert b'"tool_calls"' not in reply.body
    found = wire.notifications(reply.body.decode())
    if mode == "off":
        assert b"tool_notification" not in reply.body and found == []
        return
    assert {each.form for each in found} == {mode or "hybrid"}
    assert wire.notification_violations(found) == []
    ran = [(each.fields["tool"], each.fields["status"], each.said.count("look.")) for each in found]
    assert ran[:2] == [("web_search", "started", 1), ("calculator", "started", 1)]
    assert sorted(ran[2:4]) == [("calculator", "completed", 1), ("web_search", "completed", 1)]
    assert ran[4:] == [("current_time", "started", 2), ("current_time", "completed", 2)]


# wire 1.1calls
@pytest.mark.parametrize("mode", [None, "comment", "off"])
def test_stream_that_begins_with_a_tool(send_tools, model, mode):
    reply = send_tools(mode, "[[script calls='calculator {\"expression\": \"6*7\"}']]")

    assert wire.stream_violations(reply, model, usage_asked=True) == []
    assert b'"tool_calls"' not in reply.body


# wire 1.1bare
def test_bare_notifications(send_tools):
    body = send_tools("bare").body.decode()

    found = wire.notifications(body)
    assert [each.form for each in found] == ["bare"] * 6
    query = {"query": "camels"}
    assert {"tool": "web_search", "status": "started", **query} in [each.fields for each in found]
    assert {"tool": "web_search", "status": "completed", **query} in [each.fields for each in found]
    assert {"tool": "calculator", "status": "completed"} in [each.fields for each in found]
    assert (
        'event: tool_notification\ndata: {"tool":"web_search","status":"started","query":"camels"}\n\n'
        in body
    )


# wire 1.1whole
@pytest.mark.parametrize("mode, listed", [("hybrid", 6), ("bare", 6), ("comment", 0), ("off", 0)])
def test_notifications_without_streaming(send, model, mode, listed):
    reply = send(model, TURNS, {"X-Tool-Notifications": mode}, tools=TOOLS)

    assert wire.schema_violations("CreateChatCompletionResponse", reply.json()) == []
    assert len(reply.json().get("tool_notifications", [])) == listed
    assert "tool_calls" not in reply.json()["choices"][0]["message"]


# wire 1.1wrong
def test_unknown_form_of_notifications(send_tools):
    reply = send_tools("loud")

    assert reply.status == 400
    assert wire.error_violations(reply.json()) == []
    assert "bare" in reply.json()["error"]["message"]


# wire 6.id
def test_no_two_requests_share_an_id(send, model):
    replies = [send(model, "hi") for _ in range(3)]

    assert len({reply.headers["x-request-id"] for reply in replies}) == 3
    assert len({reply.json()["id"] for reply in replies}) == 3


# wire 3.object, 6.400
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"null"])
def test_bad_json(base_url, key, body):
    reply = post_bytes(base_url, key, body)

    assert reply.status == 400
    assert wire.error_violations(reply.json()) == []


# wire 2.early, 6.401
def test_missing_key_is_reported_before_other_errors(base_url):
    reply = post_bytes(base_url, None, b"{")

    assert reply.status == 401
    assert reply.json()["error"]["code"] is None
    assert wire.error_violations(reply.json()) == []


# wire 6.404url
@pytest.mark.parametrize("path", ["/nowhere", "/chat"])
def test_unknown_url(base_url, key, path):
    reply = wire.post(base_url + path, key, {})

    assert reply.status == 404
    assert wire.error_violations(reply.json()) == []
    assert reply.json()["error"]["code"] == "unknown_url"


def test_local_model_stream(send, local_model):
    reply = send(
        local_model,
        "What is the capital of France?",
        stream=True,
        stream_options={"include_usage": True},
        temperature=0,
        max_tokens=16,
    )

    assert wire.stream_violations(reply, local_model, usage_asked=True) == []


def post_bytes(base_url, key, body):
    address = urlsplit(base_url)
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    connection.request("POST", address.path + "/chat/completions", body, headers)
    answer = connection.getresponse()
    reply = wire.Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    connection.close()
    return reply
