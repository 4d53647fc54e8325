"""
A stand-in for AWS Lambda: the Runtime API 2018-06-01 and the Extensions API 2020-01-01, as far as the Lambda Web Adapter uses them
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, runtimes-extensions-api.html), and a function URL in front of it.
"""

import base64
import itertools
import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Between the head of a streamed answer, in JSON, and its body.
PRELUDE_END = b"\0" * 8


class Answer:
    """The answer to one invocation: its parts as they arrived, each with the time in seconds."""

    def __init__(self):
        self.headers = None
        self.parts = []
        self.error = None
        self.done = threading.Event()

    @property
    def whole(self):
        return b"".join(part for _, part in self.parts)

    @property
    def head(self):
        return json.loads(self.whole.split(PRELUDE_END, 1)[0])

    @property
    def body(self):
        return self.whole.split(PRELUDE_END, 1)[1].decode()


class RuntimeApi:
    def __init__(self):
        self.waiting = queue.Queue()
        self.answers = {}
        self.numbers = itertools.count(1)
        self.extensions = []
        self.asked_for_next = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def invoke(self, method, path, body=b"", **headers):
        """Sends a request to the function URL, as an event of the payload format 2.0; returns its answer, which goes on to arrive."""
        number = f"request-{next(self.numbers)}"
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {name.replace("_", "-").lower(): value for name, value in headers.items()},
            "requestContext": {
                "accountId": "anonymous",
                "apiId": "test",
                "domainName": "test.lambda-url.eu-central-1.on.aws",
                "domainPrefix": "test",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
                "requestId": number,
                "routeKey": "$default",
                "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1767225600000,
            },
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        answer = self.answers[number] = Answer()
        self.waiting.put((number, event))
        return answer

    def _handler(self):
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                if self.path == "/2018-06-01/runtime/invocation/next":
                    api.asked_for_next.set()
                    number, event = api.waiting.get()
                    self._reply(
                        200,
                        json.dumps(event).encode(),
                        {
                            "Lambda-Runtime-Aws-Request-Id": number,
                            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 900) * 1000)),
                            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:test",
                            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
                        },
                    )
                elif self.path == "/2020-01-01/extension/event/next":
                    threading.Event().wait()  # Until the environment ends.
                else:
                    self._reply(404)

            def do_POST(self):
                steps = self.path.strip("/").split("/")
                if self.path == "/2020-01-01/extension/register":
                    api.extensions.append((self.headers["Lambda-Extension-Name"], json.loads(self._body())))
                    self._reply(200, b"{}", {"Lambda-Extension-Identifier": "00000000-0000-0000-0000-000000000001"})
                elif steps[:3] == ["2018-06-01", "runtime", "invocation"] and steps[3] in api.answers:
                    answer = api.answers[steps[3]]
                    answer.headers = {name.lower(): value for name, value in self.headers.items()}
                    for part in self._parts():
                        answer.parts.append((time.monotonic(), part))
                    if steps[4] == "error":
                        answer.error = answer.whole.decode()
                    answer.done.set()
                    self._reply(202, b"{}")
                else:
                    self._body()
                    self._reply(404)

            def _body(self):
                return b"".join(self._parts())

            def _parts(self):
                """The body as it arrives: its chunks, or one part of known length."""
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    yield self.rfile.read(int(self.headers.get("Content-Length", 0)))
                    return
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass  # trailers

            def _reply(self, status, body=b"", headers=None):
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler
