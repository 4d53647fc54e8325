// The AI SDK with its default provider, which uses the Responses API. From the second turn on it sends references to items.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { baseURL, cancelledStreams, key, model, needs, search, stats, waitUntil } from '../node/environment.js';

/** Bodies that the SDK has sent. */
const sent = [];

const openai = createOpenAI({
  baseURL,
  apiKey: key,
  fetch: (address, options) => {
    sent.push(JSON.parse(options.body));
    return fetch(address, options);
  },
});

const asking = (options) => ({ model: openai(model), maxRetries: 0, ...options });

/** The texts, items and errors of a stream. The SDK does not throw errors of a stream. */
async function streamed(options) {
  const parts = [];
  const result = streamText(asking({ onError() {}, ...options }));
  for await (const part of result.fullStream) {
    parts.push(part);
  }
  const of = (type) => parts.filter((part) => part.type === type);
  const errors = of('error').map((part) => part.error);
  const text = of('text-delta').map((part) => part.text).join('');
  return errors.length > 0 ? { text, errors, of } : { text, errors, of, response: await result.response };
}

async function whole(options) {
  const { text, response } = await generateText(asking(options));
  return { text, response, errors: [] };
}

const getWeather = (asked) =>
  tool({
    description: 'The weather of a city',
    inputSchema: z.object({ location: z.string() }),
    execute: ({ location }) => {
      asked.push(location);
      return `sunny in ${location}`;
    },
  });

for (const ask of [whole, streamed]) {
  test(`responses, ${ask.name}: the second turn refers to the items of the first`, async () => {
    const first = { role: 'user', content: 'one' };
    const one = await ask({ messages: [first] });
    const messages = [first, ...one.response.messages, { role: 'user', content: 'two' }];
    const two = await ask({ messages });

    assert.deepEqual([one.text, two.text], ['You said: one', 'You said: two']);
    assert.deepEqual(two.errors, []);
    const references = sent.at(-1).input.filter((item) => item.type === 'item_reference');
    assert.equal(references.length, 1);
  });

  test(`responses, ${ask.name}: without a memory, by items`, async () => {
    const providerOptions = { openai: { store: false } };
    const first = { role: 'user', content: 'one' };
    const one = await ask({ messages: [first], providerOptions });
    const messages = [first, ...one.response.messages, { role: 'user', content: 'two' }];

    assert.equal((await ask({ messages, providerOptions })).text, 'You said: two');
  });

  test(`responses, ${ask.name}: tools run until the answer`, async () => {
    const asked = [];
    const { text, errors } = await ask({
      prompt: 'What is the weather? [[script tools=2]]',
      tools: { get_weather: getWeather(asked) },
      stopWhen: stepCountIs(3),
    });

    assert.deepEqual(errors, []);
    assert.equal(text, 'The tool said: sunny in Rome');
    assert.deepEqual(asked, ['Paris', 'Rome']);
  });

  test(`responses, ${ask.name}: reasoning before a tool and after it`, async () => {
    const asked = [];
    const { text, errors } = await ask({
      prompt: 'What is the weather? [[script tools=1 reasoning=1]]',
      tools: { get_weather: getWeather(asked) },
      stopWhen: stepCountIs(3),
      providerOptions: { openai: { reasoningSummary: 'auto', forceReasoning: true } },
    });

    assert.deepEqual(errors, []);
    assert.equal(text, 'The tool said: sunny in Paris');
  });

  test(`responses, ${ask.name}: server's search`, async () => {
    const { text, errors } = await ask({
      prompt: search.prompt,
      tools: { web_search: openai.tools.webSearch({}) },
    });

    assert.deepEqual(errors, []);
    assert.ok(text.includes(search.url));
  });
}

test('responses: structured output', async () => {
  const { output } = await generateText(
    asking({
      prompt: '[[script json=1]]',
      output: Output.object({ schema: z.object({ city: z.string(), people: z.number() }) }),
    }),
  );

  assert.deepEqual(output, { city: 'Paris', people: 42 });
});

test('responses: failure before the stream', async () => {
  await assert.rejects(whole({ prompt: '[[script status=400 code=bad_thing]]' }), APICallError);
});

test('responses: failure in the middle is an error part', async () => {
  const { text, errors } = await streamed({ prompt: '[[script chunks=5 cut=2]]' });

  assert.equal(text, 'word1 word2');
  assert.equal(errors.length, 1);
  assert.match(JSON.stringify(errors[0]) + String(errors[0]), /provider/);
});

test('responses: silent provider', async () => {
  const { text, errors } = await streamed({ prompt: '[[script chunks=1 gap=5500]]' });

  assert.deepEqual([text, errors], ['word1', []]);
});

test('responses: leaving cancels the provider', needs(stats), async () => {
  const before = await cancelledStreams();
  const controller = new AbortController();
  const result = streamText(
    asking({ prompt: '[[script chunks=500 gap=20]]', abortSignal: controller.signal, onError() {} }),
  );
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') {
      controller.abort();
      break;
    }
  }

  await waitUntil(async () => (await cancelledStreams()) > before);
});
