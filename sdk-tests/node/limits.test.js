import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { baseURL, clientWith, model, needs, tinyKey, user } from './settings.js';

const LIMIT = 3; // RATE_LIMIT_TINY of ../run

test('rate limit is announced, enforced and honoured', needs(tinyKey), async () => {
  const tiny = clientWith(tinyKey);
  const chat = (stream) => tiny.chat.completions.create({ model, messages: user('hi'), stream });
  for (let left = LIMIT - 1; left >= 0; left--) {
    const { headers } = await chat(left === 0).asResponse();
    assert.equal(headers.get('x-ratelimit-limit-requests'), String(LIMIT));
    assert.equal(headers.get('x-ratelimit-remaining-requests'), String(left));
    assert.match(headers.get('x-ratelimit-reset-requests'), /^(1m0s|[\d.]+s)$/);
  }

  let wait;
  for (const stream of [false, true]) {
    await assert.rejects(chat(stream), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError, `${error}`);
      assert.equal(error.code, 'rate_limit_exceeded');
      assert.equal(error.type, 'requests');
      wait = Number(error.headers.get('retry-after'));
      assert.ok(0 < wait && wait <= 60);
      return true;
    });
  }

  const patient = new OpenAI({ baseURL, apiKey: tinyKey, maxRetries: 1 });
  const began = Date.now();
  assert.ok((await patient.chat.completions.create({ model, messages: user('hi') })).choices);
  assert.ok(Date.now() - began > (wait - 2) * 1000);
});

test('provider account without credit is not retried', async () => {
  let requests = 0;
  const counted = (...request) => (requests++, fetch(...request));
  const apiKey = process.env.LLMPROXY_KEY;
  const patient = new OpenAI({ baseURL, apiKey, maxRetries: 2, fetch: counted });
  const content = '[[script status=429 code=insufficient_quota]]';

  await assert.rejects(
    patient.chat.completions.create({ model, messages: user(content) }),
    (error) => error instanceof OpenAI.RateLimitError && error.code === 'insufficient_quota',
  );

  assert.equal(requests, 1);
});
