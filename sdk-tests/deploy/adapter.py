"""
A stand-in for the Lambda Web Adapter, which is a Rust program: it registers as an extension, waits until the server is ready, takes
events from the Runtime API, sends them to the server as requests, and passes the answers on as they arrive
(https://awslabs.github.io/aws-lambda-web-adapter). It reads the same variables of the environment.
"""

import base64
import http.client
import json
import os
import time

RUNTIME = os.environ["AWS_LAMBDA_RUNTIME_API"]
PORT = int(os.environ["AWS_LWA_PORT"])
PATH = os.environ["AWS_LWA_READINESS_CHECK_PATH"]
LOW, HIGH = map(int, os.environ["AWS_LWA_READINESS_CHECK_HEALTHY_STATUS"].split("-"))


def of_runtime(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(RUNTIME)
    connection.request(method, path, body, headers or {}, encode_chunked=(headers or {}).get("Transfer-Encoding") == "chunked")
    answer = connection.getresponse()
    return answer, answer.read()


def ready():
    try:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
        connection.request("GET", PATH)
        return LOW <= connection.getresponse().status <= HIGH
    except OSError:
        return False


def parts(event):
    """The answer as the Runtime API wants it: the head as JSON, eight zero bytes, and the body part by part."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()
    connection.request(event["requestContext"]["http"]["method"], event["rawPath"], body, event["headers"])
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    yield json.dumps({"statusCode": answer.status, "headers": headers, "cookies": []}).encode()
    yield b"\0" * 8
    while part := answer.read1():
        yield part


def main():
    of_runtime("POST", "/2020-01-01/extension/register", '{"events": []}', {"Lambda-Extension-Name": "lambda-adapter"})
    while not ready():
        time.sleep(0.01)
    while True:
        head, event = of_runtime("GET", "/2018-06-01/runtime/invocation/next")
        of_runtime(
            "POST",
            f"/2018-06-01/runtime/invocation/{head.headers['Lambda-Runtime-Aws-Request-Id']}/response",
            parts(json.loads(event)),
            {
                "Content-Type": "application/vnd.awslambda.http-integration-response",
                "Lambda-Runtime-Function-Response-Mode": "streaming",
                "Transfer-Encoding": "chunked",
            },
        )


main()
