"""Changes generated requests so that they reach the scripted provider."""

import os

import schemathesis

SCRIPTED_MODEL = os.environ["LLMPROXY_SCRIPTED_MODEL"]
# A model whose provider has the endpoint, so that all fields are valid.
TEXT_MODEL = "openai/scripted-instruct"
TOOL = "calculator"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Replaces each valid model name by the scripted model and each tool name by an existing tool; other errors in the request remain."""
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("model"), str) and body["model"].strip():
        model = TEXT_MODEL if case.path == "/v1/completions" else SCRIPTED_MODEL
        case.body = body = {**body, "model": model}
    tools = body.get("tools") if isinstance(body, dict) else None
    if case.path == "/chat" and isinstance(tools, list) and all(isinstance(tool, str) for tool in tools):
        case.body = {**body, "tools": [TOOL for _ in tools]}
