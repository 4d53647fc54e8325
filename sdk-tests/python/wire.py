"""Checks the bytes of a chat stream against the wire contract.

Each SDK tolerates other violations; this checker tolerates none. `stream_violations` names
every rule that a stream breaks; the list is empty when the stream is valid.
"""

import json
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

SCHEMA_FILE = (
    Path(__file__).resolve().parents[2]
    / "src/test/resources/openai-schema/openai-subset.schema.json"
)
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))

FINISH_REASONS = {"stop", "length", "tool_calls", "content_filter", "function_call"}
ERROR_KEYS = {"message", "type", "param", "code"}
CHUNK_KEYS = {"id", "object", "created", "model", "choices"}
NOTIFICATION = "tool_notification"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool = True  # the last HTTP chunk was received, with nothing after it

    def json(self):
        return json.loads(self.body)


@dataclass
class Event:
    name: str | None = None
    data: list[str] = field(default_factory=list)


@dataclass
class Notification:
    """A notification of a stream about a tool of the server."""

    form: str  # hybrid, bare or comment
    fields: dict
    said: str  # the text of the answer before the notification


def schema_violations(name: str, value) -> list[str]:
    """The violations of the definition `name` of OpenAI's schema in `value`."""
    validator = Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"})
    return [f"{name}: {error.json_path} {error.message}" for error in validator.iter_errors(value)]


def post(url: str, key: str, body: dict, headers: dict[str, str] | None = None) -> Reply:
    """Sends one request over a new socket and returns every byte of the answer."""
    address = urlsplit(url)
    payload = json.dumps(body).encode()
    lines = [
        f"POST {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(payload)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    with socket.create_connection((address.hostname, address.port or 80), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + payload)
        received = bytearray()
        while block := connection.recv(65536):
            received += block
    return parse_reply(bytes(received))


def parse_reply(received: bytes) -> Reply:
    head, _, rest = received.partition(b"\r\n\r\n")
    status_line, *header_lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in header_lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body, complete = rest, True
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body, complete = join_http_chunks(rest)
    return Reply(int(status_line.split()[1]), headers, body, complete)


def join_http_chunks(raw: bytes) -> tuple[bytes, bool]:
    body = bytearray()
    while b"\r\n" in raw:
        size_line, _, raw = raw.partition(b"\r\n")
        size = int(size_line.split(b";")[0], 16)
        if size == 0:
            return bytes(body), raw == b"\r\n"
        body += raw[:size]
        raw = raw[size + 2 :]
    return bytes(body), False


def parse_events(text: str) -> list[Event]:
    """The events in order, without comments, which are allowed as keep-alives."""
    events, event = [], Event()
    for line in text.replace("\r\n", "\n").split("\n"):
        name, _, value = line.partition(":")
        if line == "":
            if event != Event():
                events.append(event)
            event = Event()
        elif name == "data":
            event.data.append(value.removeprefix(" "))
        elif name == "event":
            event.name = value.removeprefix(" ")
    return events


def notifications(text: str) -> list[Notification]:
    """The notifications of all forms, in the order of the stream."""
    found, said = [], ""
    for block in text.split("\n\n"):
        while block.startswith(":"):
            comment, _, block = block.partition("\n")
            if comment.startswith(f": {NOTIFICATION} "):
                fields = json.loads(comment.removeprefix(f": {NOTIFICATION} "))
                found.append(Notification("comment", fields, said))
        if block.startswith(f"event: {NOTIFICATION}\ndata: "):
            data = json.loads(block.partition("\ndata: ")[2])
            fields = {name: value for name, value in data.items() if name not in CHUNK_KEYS}
            form = "hybrid" if CHUNK_KEYS & data.keys() else "bare"
            found.append(Notification(form, fields, said))
        elif block.startswith("data: {"):
            for choice in json.loads(block.removeprefix("data: ")).get("choices") or []:
                said += choice["delta"].get("content") or ""
    return found


def stream_violations(reply: Reply, model: str, usage_asked: bool) -> list[str]:
    """The rules that a stream without a failure breaks."""
    violations = header_violations(reply)
    try:
        text = reply.body.decode("utf-8")
    except UnicodeDecodeError as error:
        return [*violations, f"not UTF-8: {error}"]
    events = parse_events(text)
    payloads = ["\n".join(event.data) for event in events]
    violations += framing_violations(text, events, payloads)
    chunks = []
    for payload in payloads:
        if payload != "[DONE]":
            try:
                chunks.append(json.loads(payload))
            except ValueError:
                violations.append(f"not JSON: {payload[:80]!r}")
    errors = [chunk for chunk in chunks if "error" in chunk]
    if errors:
        return [*violations, f"an error in place of an end: {errors[0]}"]
    for chunk in chunks:
        violations += schema_violations("CreateChatCompletionStreamResponse", chunk)
    if not chunks or violations:
        return violations or ["no chunk at all"]
    violations += identity_violations(chunks, model)
    violations += event_name_violations(events)
    violations += notification_violations(notifications(text))
    violations += usage_violations(chunks, usage_asked)
    indices = {choice["index"] for chunk in chunks for choice in chunk["choices"]}
    for index in sorted(indices):
        violations += choice_violations(index, chunks)
    return violations


def header_violations(reply: Reply) -> list[str]:
    headers = reply.headers
    rules = {
        f"status {reply.status}": reply.status == 200,
        "content-type is not text/event-stream; charset=utf-8": headers.get(
            "content-type", ""
        ).replace(" ", "").lower()
        == "text/event-stream;charset=utf-8",
        "cache-control lacks no-cache": "no-cache" in headers.get("cache-control", ""),
        "x-accel-buffering is not no": headers.get("x-accel-buffering") == "no",
        "x-request-id does not start with req_": headers.get("x-request-id", "").startswith("req_"),
        "openai-processing-ms is no number": headers.get("openai-processing-ms", "").isdigit(),
        "has a content-length": "content-length" not in headers,
        "is compressed": "content-encoding" not in headers,
        "the HTTP body does not end properly": reply.complete,
    }
    return [rule for rule, kept in rules.items() if not kept]


def framing_violations(text: str, events: list[Event], payloads: list[str]) -> list[str]:
    rules = {
        "does not end with an empty line": text.endswith("\n\n"),
        "[DONE] is not last": payloads[-1:] == ["[DONE]"],
        "[DONE] not exactly once": payloads.count("[DONE]") == 1,
        "an event without data": all(event.data for event in events),
        # openai-go before v3.43 reads it as an event without data.
        "an empty line after a comment alone": not any(
            block and all(line.startswith(":") for line in block.split("\n"))
            for block in text.replace("\r\n", "\n").split("\n\n")
        ),
        "JSON over several lines": all(len(event.data) <= 1 for event in events),
        "something after [DONE]": text.rstrip().endswith("[DONE]"),
    }
    return [rule for rule, kept in rules.items() if not kept]


def identity_violations(chunks: list[dict], model: str) -> list[str]:
    rules = {
        "id changes": len({chunk["id"] for chunk in chunks}) == 1,
        "id is empty": all(chunk["id"] for chunk in chunks),
        "created changes": len({chunk["created"] for chunk in chunks}) == 1,
        "created is no integer": all(type(chunk["created"]) is int for chunk in chunks),
        f"model is not {model}": {chunk["model"] for chunk in chunks} == {model},
    }
    return [rule for rule, kept in rules.items() if not kept]


def event_name_violations(events: list[Event]) -> list[str]:
    """The data of a named event must also be a valid chunk without content."""
    violations = []
    for position, event in enumerate(events):
        if event.name is None:
            continue
        if event.name != NOTIFICATION:
            violations.append(f"an event named {event.name}")
            continue
        choices = json.loads("".join(event.data))["choices"]
        silent = [{}] if position else [{"role": "assistant", "content": ""}]
        if [choice["delta"] for choice in choices] != silent:
            violations.append(f"a notification with choices {choices}")
    return violations


def notification_violations(found: list[Notification]) -> list[str]:
    violations, running = [], set()
    for notification in found:
        fields = notification.fields
        call, status = fields.get("call_id"), fields.get("status")
        known = {"tool", "status", "query", "arguments", "call_id"}
        if status == "started":
            right = bool(call) and call not in running
            running.add(call)
        else:
            known |= {"result", "duration_ms", "results"}
            right = status in {"completed", "failed"} and call in running
            right &= bool(fields.get("result")) and type(fields.get("duration_ms")) is int
            running.discard(call)
        right &= bool(fields.get("tool")) and ("query" in fields) != ("arguments" in fields)
        if not right or fields.keys() - known:
            violations.append(f"a notification {fields}")
    return [*violations, f"tools that do not end: {sorted(running)}"] if running else violations


def usage_violations(chunks: list[dict], usage_asked: bool) -> list[str]:
    with_usage = [chunk for chunk in chunks if chunk.get("usage") is not None]
    without_choices = [chunk for chunk in chunks if not chunk["choices"]]
    if not usage_asked:
        rules = {
            "usage without being asked": not with_usage,
            "empty choices without being asked for usage": not without_choices,
        }
    else:
        last = chunks[-1]
        usage = last.get("usage") or {}
        rules = {
            "usage is not in exactly one chunk, the last": with_usage == [last],
            "not exactly the usage chunk has empty choices": without_choices == [last],
            "total_tokens is not the sum": usage.get("total_tokens")
            == usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0),
        }
    return [rule for rule, kept in rules.items() if not kept]


def choice_violations(index: int, chunks: list[dict]) -> list[str]:
    parts = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    finish_reasons = [part["finish_reason"] for part in parts]
    finished = [reason for reason in finish_reasons if reason is not None]
    fragments = [call for part in parts for call in part["delta"].get("tool_calls") or []]
    rules = {
        "the first delta has no role": parts[0]["delta"].get("role") == "assistant",
        "the first delta has no content key": "content" in parts[0]["delta"],
        "not finished exactly once": len(finished) == 1,
        "something after its finish_reason": finish_reasons[-1] is not None,
        f"finish_reason {finished}": FINISH_REASONS.issuperset(finished),
        "tool calls and another finish_reason": not fragments or finished == ["tool_calls"],
    }
    violations = [rule for rule, kept in rules.items() if not kept]
    return [f"choice {index}: {rule}" for rule in violations + fragment_violations(fragments)]


def fragment_violations(fragments: list[dict]) -> list[str]:
    violations, calls = [], {}
    for fragment in fragments:
        position = fragment["index"]
        function = fragment.get("function", {})
        if position not in calls:
            calls[position] = ""
            if not (fragment.get("id") and function.get("name") and fragment.get("type")):
                violations.append(f"tool call {position} starts without id, type or name")
        elif fragment.get("id") or function.get("name"):
            violations.append(f"tool call {position} repeats its id or name")
        calls[position] += function.get("arguments", "")
    if list(calls) != list(range(len(calls))):
        violations.append(f"tool calls are counted {list(calls)}")
    for position, arguments in calls.items():
        try:
            json.loads(arguments)
        except ValueError:
            violations.append(f"tool call {position} has arguments {arguments!r}")
    return violations


def broken_stream_violations(reply: Reply) -> list[str]:
    """The rules that a stream breaks when its provider failed after the first byte."""
    text = reply.body.decode("utf-8")
    events = parse_events(text)
    last = events[-1] if events else Event()
    payload = "\n".join(last.data)
    before = [json.loads(data) for event in events[:-1] for data in event.data if data[:1] == "{"]
    rules = {
        "the last event is not named error": last.name == "error",
        "error is not the first key": payload.replace(" ", "").startswith('{"error":{'),
        "[DONE] after an error": "[DONE]" not in text,
        "a finish_reason before an error": not any(
            choice.get("finish_reason") for chunk in before for choice in chunk.get("choices", [])
        ),
        "usage before an error": not any(chunk.get("usage") for chunk in before),
    }
    violations = header_violations(reply) + [rule for rule, kept in rules.items() if not kept]
    return violations or error_violations(json.loads(payload))


def error_violations(body: dict) -> list[str]:
    missing = ERROR_KEYS - set(body.get("error", {}))
    violations = schema_violations("ErrorResponse", body)
    return [*violations, f"the error lacks {sorted(missing)}"] if missing else violations
