import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client, model } from './settings.js';

// Its provider has the endpoint; the others get a chat.
const own = 'openai/scripted-instruct';

for (const each of [model, own]) {
  test(`text completion, whole ${each}`, async () => {
    const reply = await client.completions.create({ model: each, prompt: 'Say hi', max_tokens: 20 });

    assert.equal(reply.object, 'text_completion');
    assert.equal(reply.choices[0].text, 'You said: Say hi');
    assert.equal(reply.usage.total_tokens, 6);
  });

  test(`text completion, stream ${each}`, async () => {
    const stream = await client.completions.create({
      model: each,
      prompt: 'Say hi',
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);

    const last = chunks.pop();
    assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(''), 'You said: Say hi');
    assert.equal(last.usage.total_tokens, 6);
  });
}

test('text completion with a suffix', async () => {
  const reply = await client.completions.create({ model: own, prompt: 'a', suffix: 'b' });

  assert.equal(reply.choices[0].text, 'You said: a … b');
  await assert.rejects(client.completions.create({ model, prompt: 'a', suffix: 'b' }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'suffix');
    return true;
  });
});
