import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, localModel, model, needs, user } from './settings.js';

test('chat', async () => {
  const completion = await client.chat.completions.create({ model, messages: user('hello there') });

  assert.equal(completion.choices[0].message.content, 'You said: hello there');
  assert.equal(completion.choices[0].finish_reason, 'stop');
  assert.equal(completion.model, model);
  assert.equal(completion.usage.prompt_tokens, 2);
  assert.equal(completion.usage.completion_tokens, 4);
  assert.equal(completion.usage.total_tokens, 6);
  assert.match(completion._request_id, /^req_/);
});

test('local model', needs(localModel), async () => {
  const completion = await client.chat.completions.create({
    model: localModel,
    messages: user('What is the capital of France?'),
    temperature: 0,
    max_tokens: 24,
  });

  assert.match(completion.choices[0].message.content, /Paris/);
  assert.ok(completion.usage.completion_tokens > 0);
});
