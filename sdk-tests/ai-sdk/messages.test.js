// The AI SDK with its Anthropic provider: POST /v1/messages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { baseURL, cancelledStreams, key, model, needs, stats, waitUntil } from '../node/environment.js';

const anthropic = createAnthropic({ baseURL, apiKey: key });

/** Without retries, so that a test sees the first answer. */
const asking = (prompt, options) => ({ model: anthropic(model), prompt, maxRetries: 0, ...options });
const thinking = { providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 2000 } } } };

/** The parts of a stream. The SDK does not throw errors of a stream. */
async function parts(prompt, options) {
  const parts = [];
  for await (const part of streamText(asking(prompt, { onError() {}, ...options })).fullStream) {
    parts.push(part);
  }
  const of = (type) => parts.filter((part) => part.type === type);
  return { of, text: of('text-delta').map((part) => part.text).join('') };
}

test('messages: chat', async () => {
  const { text, finishReason, usage } = await generateText(asking('hello there', { system: 'Be brief.' }));

  assert.equal(text, 'You said: hello there');
  assert.equal(finishReason, 'stop');
  assert.deepEqual([usage.inputTokens, usage.outputTokens], [4, 4]);
});

test('messages: stream with usage', async () => {
  const { text, of } = await parts('hello there');

  assert.equal(text, 'You said: hello there');
  assert.deepEqual(of('error'), []);
  assert.equal(of('finish')[0].finishReason, 'stop');
  assert.deepEqual([of('finish')[0].totalUsage.inputTokens, of('finish')[0].totalUsage.outputTokens], [2, 4]);
});

for (const ask of [generateText, streamText]) {
  for (const options of [{}, thinking]) {
    test(`messages: tools run until the answer: ${ask.name}, thinking: ${options === thinking}`, async () => {
      const asked = [];
      const getWeather = tool({
        description: 'The weather of a city',
        inputSchema: z.object({ location: z.string() }),
        execute: ({ location }) => {
          asked.push(location);
          return `sunny in ${location}`;
        },
      });

      const result = await ask(
        asking('What is the weather? [[script tools=2 reasoning=1]]', {
          tools: { get_weather: getWeather },
          stopWhen: stepCountIs(3),
          ...options,
        }),
      );

      assert.equal(await result.text, 'The tool said: sunny in Rome');
      assert.deepEqual(asked, ['Paris', 'Rome']);
      assert.deepEqual(
        (await result.steps).map((step) => [step.finishReason, step.reasoningText]),
        [
          ['tool-calls', options === thinking ? 'Let me think.' : undefined],
          ['stop', options === thinking ? 'Let me think.' : undefined],
        ],
      );
    });
  }

  test(`messages: answers in a JSON schema: ${ask.name}`, async () => {
    const schema = z.object({ city: z.string(), people: z.number().int() });

    const result = await ask(
      asking('[[script json=1]]', {
        model: anthropic('claude-opus-5'),
        output: Output.object({ schema }),
      }),
    );

    assert.deepEqual(await result.output, { city: 'Paris', people: 42 });
  });

  test(`messages: the server's search: ${ask.name}`, async () => {
    const result = await ask(
      asking(`[[script say='Let me look.' calls='web_search {"query": "camels"}']]`, {
        tools: { web_search: anthropic.tools.webSearch_20250305({ maxUses: 2 }) },
      }),
    );

    assert.match(await result.text, /^Let me look\..*The tool said:/s);
    const [found] = await result.toolResults;
    assert.equal(found.toolName, 'web_search');
    assert.equal(found.output[0].url, 'https://example.com/found');
    assert.deepEqual(
      (await result.sources).map((source) => source.url),
      ['https://example.com/found'],
    );
  });
}

test('messages: a failure in the middle', async () => {
  const { of, text } = await parts('[[script chunks=5 cut=2]]');

  assert.equal(text, 'word1 word2');
  assert.equal(of('error').length, 1);
  assert.match(String(of('error')[0].error.message ?? of('error')[0].error), /connection to the provider/);
});

test('messages: leaving cancels the provider', needs(stats), async () => {
  const before = await cancelledStreams();
  const stop = new AbortController();

  const { fullStream } = streamText(
    asking('[[script chunks=1000 gap=20]]', { abortSignal: stop.signal, onError() {} }),
  );
  for await (const part of fullStream) {
    if (part.type === 'text-delta') {
      stop.abort();
    }
  }

  await waitUntil(async () => (await cancelledStreams()) > before);
});

test('messages: unknown model', async () => {
  await assert.rejects(
    generateText(asking('hi', { model: anthropic('nowhere/at-all') })),
    (error) => error.statusCode === 404 && /nowhere/.test(error.message),
  );
});
