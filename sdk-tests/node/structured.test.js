import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { client, model, user } from './settings.js';

const asking = {
  model,
  messages: user('[[script json=1]]'),
  response_format: zodResponseFormat(
    z.object({ city: z.string(), people: z.number().int() }),
    'city',
  ),
};
const paris = { city: 'Paris', people: 42 };

test('parse returns an object of the schema', async () => {
  const completion = await client.chat.completions.parse(asking);

  assert.deepEqual(completion.choices[0].message.parsed, paris);
});

test('stream helper returns an object of the schema', async () => {
  const stream = client.chat.completions.stream(asking);
  const done = [];
  stream.on('content.done', ({ parsed }) => done.push(parsed));

  const completion = await stream.finalChatCompletion();

  assert.deepEqual(done, [paris]);
  assert.deepEqual(completion.choices[0].message.parsed, paris);
});
