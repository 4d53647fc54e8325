"""Tests of the checker: a valid stream passes, and each broken rule is named."""

import copy
import json

import pytest
import wire

MODEL = "openai/scripted"
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "x-request-id": "req_1",
    "openai-processing-ms": "3",
}


def chunk(delta, finish_reason=None, **extra):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        **extra,
    }


ROLE = chunk({"role": "assistant", "content": ""})
WORD = chunk({"content": "hello"})
FINISH = chunk({}, "stop")
USAGE = chunk({}, usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}) | {
    "choices": []
}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
REST = {"index": 0, "function": {"arguments": "{}"}}


def calls(*fragments, finish_reason="tool_calls"):
    deltas = [chunk({"tool_calls": [fragment]}) for fragment in fragments]
    return [ROLE, *deltas, chunk({}, finish_reason)]


def changed(base, **change):
    return copy.deepcopy(base) | change


def without(base, key):
    return {name: value for name, value in base.items() if name != key}


def reply(events, tail="data: [DONE]\n\n", headers=HEADERS):
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + tail
    return wire.Reply(200, headers, body.encode())


@pytest.mark.parametrize(
    "events, usage_asked",
    [
        ([ROLE, WORD, FINISH], False),
        ([ROLE, WORD, FINISH, USAGE], True),
        (calls(CALL, REST), False),
    ],
)
def test_valid_stream_passes(events, usage_asked):
    assert wire.stream_violations(reply(events), MODEL, usage_asked) == []


def test_comments_are_allowed():
    good = reply([ROLE, WORD, FINISH])
    good.body = b": ping\n: ping\n" + good.body

    assert wire.stream_violations(good, MODEL, usage_asked=False) == []


# wire 1.3c
def test_comment_with_an_empty_line_is_rejected():
    bad = reply([ROLE, WORD, FINISH])
    bad.body = b": ping\n\n" + bad.body

    assert "an empty line after a comment alone" in str(
        wire.stream_violations(bad, MODEL, usage_asked=False)
    )


STARTED = {"tool": "web_search", "status": "started", "query": "q", "call_id": "call_1"}
COMPLETED = STARTED | {"status": "completed", "result": "1 result", "duration_ms": 3}


def notified(*notifications, delta=None, before=(ROLE,), name="tool_notification"):
    def event(data):
        return f"event: {name}\ndata: {json.dumps(data)}\n\n"

    chunks = "".join(event(chunk(delta or {}, **fields)) for fields in notifications)
    good = reply([WORD, FINISH])
    good.body = reply(before, chunks).body + good.body
    return good


def test_notifications_are_allowed():
    good = notified(STARTED, COMPLETED)

    assert wire.stream_violations(good, MODEL, usage_asked=False) == []
    found = wire.notifications(good.body.decode())
    assert [(each.form, each.fields) for each in found] == [
        ("hybrid", STARTED),
        ("hybrid", COMPLETED),
    ]


@pytest.mark.parametrize(
    "rule, broken",
    [
        ("do not end: ['call_1']", notified(STARTED)),
        ("a notification {", notified(COMPLETED)),
        ("a notification {", notified(STARTED, without(COMPLETED, "result"))),
        ("a notification {", notified(without(STARTED, "query"), COMPLETED)),
        ("a notification {", notified(STARTED | {"secret": 1}, COMPLETED)),
        ("with choices", notified(STARTED, COMPLETED, delta={"content": "x"})),
        ("with choices", notified(STARTED, COMPLETED, before=())),
        ("an event named note", notified(STARTED, COMPLETED, name="note")),
    ],
)
def test_invalid_notification_is_named(rule, broken):
    violations = wire.stream_violations(broken, MODEL, usage_asked=False)

    assert any(rule in violation for violation in violations), violations


BROKEN = {
    "id changes": [ROLE, changed(WORD, id="chatcmpl-2"), FINISH],
    "created changes": [ROLE, changed(WORD, created=2), FINISH],
    "model is not": [ROLE, changed(WORD, model="scripted"), FINISH],
    "'choices' is a required property": [ROLE, without(WORD, "choices"), FINISH],
    "'object' is a required property": [ROLE, without(WORD, "object"), FINISH],
    "1.5 is not of type 'integer'": [ROLE, changed(WORD, created=1.5), FINISH],
    "'on_demand'": [ROLE, changed(WORD, service_tier="on_demand"), FINISH],
    "'eos' is not": [ROLE, WORD, chunk({}, "eos")],
    "no role": [WORD, FINISH],
    "not finished exactly once": [ROLE, WORD],
    "something after its finish_reason": [ROLE, FINISH, WORD],
    "usage without being asked": [ROLE, WORD, FINISH, USAGE],
    "another finish_reason": calls(CALL, REST, finish_reason="stop"),
    "'index' is a required property": calls(CALL, without(REST, "index")),
    "starts without id": calls(REST),
    "repeats its id": calls(CALL, CALL, REST),
    "counted [1]": calls(changed(CALL, index=1), changed(REST, index=1)),
    "has arguments ''": calls(CALL),
    "in place of an end": [ROLE, {"error": {"message": "no"}}],
}


@pytest.mark.parametrize("rule", BROKEN)
def test_broken_rule_is_named(rule):
    violations = wire.stream_violations(reply(BROKEN[rule]), MODEL, usage_asked=False)

    assert any(rule in violation for violation in violations), violations


@pytest.mark.parametrize(
    "rule, tail",
    [
        ("[DONE] not exactly once", ""),
        ("[DONE] not exactly once", "data: [DONE]\n\ndata: [DONE]\n\n"),
        ("[DONE] is not last", 'data: [DONE]\n\ndata: {"x":1}\n\n'),
        ("something after [DONE]", "data: [DONE]\n\n: ping\n\n"),
        ("does not end with an empty line", "data: [DONE]\n"),
        ("an event without data", "event: ping\n\ndata: [DONE]\n\n"),
        ("not JSON", "data: {\n\ndata: [DONE]\n\n"),
    ],
)
def test_invalid_framing_is_named(rule, tail):
    violations = wire.stream_violations(reply([ROLE, WORD, FINISH], tail), MODEL, False)

    assert any(rule in violation for violation in violations), violations


@pytest.mark.parametrize("header", HEADERS)
def test_missing_header_is_named(header):
    broken = reply([ROLE, WORD, FINISH], headers=without(HEADERS, header))

    assert any(header in violation for violation in wire.header_violations(broken))


@pytest.mark.parametrize(
    "events", [[ROLE, FINISH], [ROLE, FINISH, USAGE, USAGE], [ROLE, USAGE, FINISH]]
)
def test_misplaced_usage_is_named(events):
    assert wire.stream_violations(reply(events), MODEL, usage_asked=True) != []


ERROR = 'event: error\ndata: {"error":{"message":"m","type":"server_error","param":null,"code":null}}\n\n'


@pytest.mark.parametrize(
    "events, tail, rule",
    [
        ([ROLE], ERROR, None),
        ([ROLE], ERROR.removeprefix("event: error\n"), "not named error"),
        ([ROLE, FINISH], ERROR, "a finish_reason before"),
        ([ROLE], ERROR + "data: [DONE]\n\n", "[DONE] after"),
        ([ROLE], 'event: error\ndata: {"error":{"message":"m"}}\n\n', "lacks"),
    ],
)
def test_end_of_a_failed_stream_is_checked(events, tail, rule):
    violations = wire.broken_stream_violations(reply(events, tail))

    assert violations == [] if rule is None else any(rule in each for each in violations)


def test_http_chunks():
    assert wire.join_http_chunks(b"3\r\nabc\r\n0\r\n\r\n") == (b"abc", True)
    assert wire.join_http_chunks(b"3\r\nabc\r\n") == (b"abc", False)
