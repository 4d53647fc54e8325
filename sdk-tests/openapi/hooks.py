"""Turns what Schemathesis makes up into requests that reach the scripted provider."""

import os

import schemathesis

SCRIPTED_MODEL = os.environ["LLMPROXY_SCRIPTED_MODEL"]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Any good name of a model becomes the scripted one; whatever is wrong with the rest stays."""
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("model"), str) and body["model"].strip():
        case.body = {**body, "model": SCRIPTED_MODEL}
