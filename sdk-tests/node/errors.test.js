import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client, clientWith, model, needs, revokedKey, user } from './settings.js';

/** Expects the SDK's error class for the status, and the fields of the error object. */
async function assertFails(promise, kind, fields) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof kind, `${error}`);
    for (const [name, value] of Object.entries(fields)) {
      assert.equal(error[name], value);
    }
    assert.match(error.requestID, /^req_/);
    return true;
  });
}

const chat = (body, from = client) =>
  from.chat.completions.create({ model, messages: user('hi'), ...body });

const invalidKey = { status: 401, code: 'invalid_api_key' };

test('unknown key', () =>
  assertFails(chat({}, clientWith('sk-nobody')), OpenAI.AuthenticationError, invalidKey));

test('revoked key', needs(revokedKey), () =>
  assertFails(chat({}, clientWith(revokedKey)), OpenAI.AuthenticationError, invalidKey));

test('missing messages', () =>
  assertFails(chat({ messages: undefined }), OpenAI.BadRequestError, {
    param: 'messages',
    type: 'invalid_request_error',
  }));

for (const stream of [false, true]) {
  for (const unknown of ['openai/no-such-model', 'nowhere/at-all']) {
    test(`unknown model ${unknown}, stream: ${stream}`, () =>
      assertFails(chat({ model: unknown, stream }), OpenAI.NotFoundError, {
        status: 404,
        code: 'model_not_found',
      }));
  }

  test(`busy provider, stream: ${stream}`, () =>
    assertFails(
      chat({ messages: user('[[script status=429 retry_after=7]]'), stream }),
      OpenAI.RateLimitError,
      { status: 429, code: 'rate_limit_exceeded' },
    ));

  for (const failure of ['status=500', 'hangup=1']) {
    test(`provider failing before the first byte: ${failure}, stream: ${stream}`, () =>
      assertFails(
        chat({ messages: user(`[[script ${failure}]]`), stream }),
        OpenAI.InternalServerError,
        { status: 502, code: 'upstream_error' },
      ));
  }
}
