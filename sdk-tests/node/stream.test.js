import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import {
  cancelledStreams,
  client,
  localModel,
  model,
  needs,
  stats,
  user,
  waitUntil,
} from './settings.js';

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return chunks;
}

test('stream as in the README', async () => {
  const stream = await client.chat.completions.create({
    model,
    messages: user('hello there'),
    stream: true,
  });

  let text = '';
  for await (const chunk of stream) {
    text += chunk.choices[0].delta.content || '';
  }

  assert.equal(text, 'You said: hello there');
});

test('stream helper accumulates the reply without streaming', async () => {
  const messages = user('hello there');

  const streamed = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
  const whole = await client.chat.completions.create({ model, messages });

  assert.equal(streamed.choices[0].message.content, whole.choices[0].message.content);
  assert.equal(streamed.choices[0].finish_reason, whole.choices[0].finish_reason);
});

test('usage is last if requested', async () => {
  const chunks = await collect(
    await client.chat.completions.create({
      model,
      messages: user('hello there'),
      stream: true,
      stream_options: { include_usage: true },
    }),
  );

  const last = chunks.pop();
  assert.deepEqual(last.choices, []);
  assert.equal(last.usage.total_tokens, 6);
  assert.ok(chunks.every((chunk) => !chunk.usage));
});

test('usage is absent by default', async () => {
  const chunks = await collect(
    await client.chat.completions.create({ model, messages: user('hi'), stream: true }),
  );

  assert.ok(chunks.every((chunk) => !chunk.usage && chunk.choices.length === 1));
});

for (const habit of ['groq=1', 'bare=1', 'fields=1', 'crlf=1', 'split=1', 'finish=eos']) {
  test(`deviation of a provider is hidden: ${habit}`, async () => {
    const completion = await client.chat.completions
      .stream({ model, messages: user(`hi [[script ${habit}]]`) })
      .finalChatCompletion();

    assert.equal(completion.choices[0].message.content, 'You said: hi');
    assert.equal(completion.choices[0].finish_reason, 'stop');
  });
}

// wire 1.3
test('silent provider is not given up', async () => {
  const chunks = await collect(
    await client.chat.completions.create({
      model,
      messages: user('[[script chunks=2 gap=6500]]'),
      stream: true,
    }),
  );

  const text = chunks.map((chunk) => chunk.choices[0].delta.content || '').join('');
  assert.equal(text, 'word1 word2');
});

for (const script of ['chunks=600 gap=100', 'silent=1']) {
  test(`leaving a stream cancels the provider's answer: ${script}`, needs(stats), async () => {
    const before = await cancelledStreams();
    const stream = await client.chat.completions.create({
      model,
      messages: user(`[[script ${script}]]`),
      stream: true,
    });

    for await (const chunk of stream) {
      assert.ok(chunk);
      break;
    }
    stream.controller.abort();

    await waitUntil(async () => (await cancelledStreams()) > before);
  });
}

for (const mishap of ['cut=5', 'end=5', 'error=5']) {
  test(`failure in the middle raises: ${mishap}`, async () => {
    const stream = await client.chat.completions.create({
      model,
      messages: user(`[[script chunks=20 gap=5 ${mishap}]]`),
      stream: true,
    });

    let text = '';
    await assert.rejects(
      async () => {
        for await (const chunk of stream) {
          text += chunk.choices[0].delta.content || '';
        }
      },
      (error) => error instanceof OpenAI.APIError && Boolean(error.message) && 'code' in error,
    );
    assert.equal(text, 'word1 word2 word3 word4 word5');
  });
}

test('local model streams', needs(localModel), async () => {
  const chunks = await collect(
    await client.chat.completions.create({
      model: localModel,
      messages: user('What is the capital of France?'),
      temperature: 0,
      max_tokens: 24,
      stream: true,
    }),
  );

  const pieces = chunks.map((chunk) => chunk.choices[0].delta.content).filter(Boolean);
  assert.match(pieces.join(''), /Paris/);
  assert.ok(pieces.length > 3);
});
