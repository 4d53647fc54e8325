// The scenes that depend on the provider's format, with models behind other formats than OpenAI's. Their emulators refuse what
// the real providers refuse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { client, otherModels, picture, user } from './settings.js';

const parameters = {
  type: 'object',
  properties: { location: { type: 'string' } },
  required: ['location'],
};

for (const model of otherModels) {
  test(`${model}: chat`, async () => {
    const completion = await client.chat.completions.create({
      model,
      messages: [{ role: 'system', content: 'Be brief.' }, ...user('hello there')],
    });

    assert.equal(completion.choices[0].message.content, 'You said: hello there');
    assert.equal(completion.choices[0].finish_reason, 'stop');
    assert.equal(completion.model, model);
    const { usage } = completion;
    assert.equal(usage.completion_tokens, 4);
    assert.equal(usage.prompt_tokens_details.cached_tokens, 7);
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  });

  test(`${model}: stream with usage`, async () => {
    const chunks = [];
    for await (const chunk of await client.chat.completions.create({
      model,
      messages: user('hello there'),
      stream: true,
      stream_options: { include_usage: true },
    })) {
      chunks.push(chunk);
    }

    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.completion_tokens, 4);
    const text = chunks.map((chunk) => chunk.choices[0].delta.content || '').join('');
    assert.equal(text, 'You said: hello there');
  });

  for (const stream of [false, true]) {
    test(`${model}: runTools after thoughts, stream: ${stream}`, async () => {
      const asked = [];
      const runner = client.chat.completions.runTools({
        model,
        stream,
        reasoning_effort: 'low',
        messages: user('What is the weather? [[script tools=2 reasoning=1]]'),
        tools: [
          {
            type: 'function',
            function: {
              name: 'get_weather',
              description: 'The weather of a city',
              parameters,
              parse: JSON.parse,
              function: ({ location }) => {
                asked.push(location);
                return `sunny in ${location}`;
              },
            },
          },
        ],
      });

      assert.equal(await runner.finalContent(), 'The tool said: sunny in Rome');
      assert.deepEqual(asked, ['Paris', 'Rome']);
    });
  }

  test(`${model}: parse returns an object of the schema`, async () => {
    const completion = await client.chat.completions.parse({
      model,
      messages: user('[[script json=1]]'),
      response_format: zodResponseFormat(
        z.object({ city: z.string(), people: z.number().int() }),
        'city',
      ),
    });

    assert.deepEqual(completion.choices[0].message.parsed, { city: 'Paris', people: 42 });
  });

  test(`${model}: picture`, async () => {
    const completion = await client.chat.completions.create({
      model,
      messages: user([
        { type: 'text', text: 'What?' },
        { type: 'image_url', image_url: { url: picture } },
      ]),
    });

    assert.equal(completion.choices[0].message.content, 'You said: What?');
  });

  test(`${model}: busy provider`, () =>
    assert.rejects(
      client.chat.completions.create({
        model,
        messages: user('[[script status=429 retry_after=7]]'),
      }),
      (error) =>
        error instanceof OpenAI.RateLimitError && error.headers.get('retry-after') === '7',
    ));

  for (const mishap of ['error=2', 'cut=2', 'end=2']) {
    test(`${model}: failure in the middle raises: ${mishap}`, async () => {
      const stream = await client.chat.completions.create({
        model,
        messages: user(`[[script chunks=5 ${mishap}]]`),
        stream: true,
      });

      let text = '';
      await assert.rejects(
        async () => {
          for await (const chunk of stream) {
            text += chunk.choices[0].delta.content || '';
          }
        },
        (error) => error instanceof OpenAI.APIError && Boolean(error.message),
      );
      assert.equal(text, 'word1 word2');
    });
  }
}
