import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import {
  baseURL,
  cancelledStreams,
  key,
  model,
  needs,
  otherModels,
  picture,
  providersOwnVectors,
  search,
  stats,
  tinyKey,
  waitUntil,
} from '../node/environment.js';

/** `changed` changes the body of a chat request. */
const provider = (apiKey, changed) =>
  createOpenAICompatible({
    name: 'llmproxy',
    baseURL,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
    transformRequestBody: changed,
  });

/** Without retries, so that a test sees the first answer. */
const asking = (prompt, { apiKey = key, id = model, changed, ...options } = {}) => ({
  model: provider(apiKey, changed)(id),
  prompt,
  maxRetries: 0,
  ...options,
});

/** The parts of a stream, and the errors among them. The SDK does not throw errors of a stream. */
async function parts(prompt, options) {
  const parts = [];
  for await (const part of streamText(asking(prompt, { onError() {}, ...options })).fullStream) {
    parts.push(part);
  }
  const of = (type) => parts.filter((part) => part.type === type);
  const text = of('text-delta').map((part) => part.text).join('');
  return { text, errors: of('error').map((part) => part.error), of };
}

test('chat', async () => {
  const { text, finishReason, usage, response } = await generateText(asking('hello there'));

  assert.equal(text, 'You said: hello there');
  assert.equal(finishReason, 'stop');
  assert.equal(response.modelId, model);
  assert.deepEqual([usage.inputTokens, usage.outputTokens, usage.totalTokens], [2, 4, 6]);
});

test('stream with usage', async () => {
  const { text, errors, of } = await parts('hello there');

  assert.equal(text, 'You said: hello there');
  assert.deepEqual(errors, []);
  assert.equal(of('text-delta').filter((part) => part.text).length, 4);
  assert.equal(of('finish')[0].finishReason, 'stop');
  assert.equal(of('finish')[0].totalUsage.totalTokens, 6);
});

for (const ask of [generateText, streamText]) {
  test(`tools run until the answer: ${ask.name}`, async () => {
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
      asking('What is the weather? [[script tools=2]]', {
        tools: { get_weather: getWeather },
        stopWhen: stepCountIs(3),
      }),
    );

    assert.equal(await result.text, 'The tool said: sunny in Rome');
    assert.deepEqual(asked, ['Paris', 'Rome']);
    assert.deepEqual(
      (await result.steps).map((step) => step.finishReason),
      ['tool-calls', 'stop'],
    );
  });

  test(`answers in a JSON schema: ${ask.name}`, async () => {
    const schema = z.object({ city: z.string(), people: z.number().int() });

    const result = await ask(asking('[[script json=1]]', { output: Output.object({ schema }) }));

    assert.deepEqual(await result.output, { city: 'Paris', people: 42 });
  });
}

test('embeddings', needs(stats), async () => {
  const values = ['one', 'two', 'three'];
  const embed = (id) =>
    embedMany({ model: provider(key).embeddingModel(id), values, maxRetries: 0 });

  const { embeddings, usage } = await embed(model);

  assert.deepEqual(embeddings, await providersOwnVectors(values));
  assert.equal(usage.tokens, 9);
  await assert.rejects(embed('nowhere/at-all'), (error) => error.statusCode === 404);
});

/** The server's search with the client's tools; `ran` records the calls that the SDK runs or sees. */
function searching(mode, ran) {
  const getWeather = tool({
    description: 'The weather of a city',
    inputSchema: z.object({ location: z.string() }),
    execute: ({ location }) => `sunny in ${location}`,
  });
  return {
    ...search.told(mode),
    providerOptions: { llmproxy: { web_search_options: {} } },
    tools: { get_weather: getWeather },
    stopWhen: stepCountIs(5),
    onStepFinish: (step) => ran.push(...step.toolCalls.map((call) => call.toolName)),
  };
}

for (const mode of search.modes) {
  test(`server tool, stream: ${mode}`, async () => {
    const ran = [];
    const { text, errors, of } = await parts(search.prompt, {
      ...searching(mode, ran),
      includeRawChunks: true,
    });

    assert.equal(text, search.answer);
    assert.deepEqual(errors, []);
    assert.deepEqual(ran, []);
    for (const kind of ['tool-input-start', 'tool-call', 'tool-result', 'tool-error']) {
      assert.deepEqual(of(kind), [], kind);
    }
    assert.equal(of('finish-step').length, 1);
    assert.equal(of('finish')[0].finishReason, 'stop');
    assert.equal(of('finish')[0].totalUsage.totalTokens, search.totalTokens);
    const shown = of('raw').map((part) => part.rawValue).filter((chunk) => chunk.tool);
    assert.deepEqual(
      shown.map((chunk) => [chunk.tool, chunk.status, chunk.query, chunk.result]),
      mode === 'hybrid'
        ? [
            ['web_search', 'started', 'camels', undefined],
            ['web_search', 'completed', 'camels', '1 result from searxng'],
          ]
        : [],
    );
  });

  test(`server tool, without streaming: ${mode}`, async () => {
    const ran = [];
    const { text, finishReason, usage, steps } = await generateText(
      asking(search.prompt, searching(mode, ran)),
    );

    assert.equal(text, search.answer);
    assert.equal(finishReason, 'stop');
    assert.equal(usage.totalTokens, search.totalTokens);
    assert.equal(steps.length, 1);
    assert.deepEqual(ran, []);
  });

  for (const ask of [generateText, streamText]) {
    test(`server tool, then own tool: ${ask.name}: ${mode}`, async () => {
      const ran = [];

      const result = await ask(asking(search.promptWithWeather, searching(mode, ran)));

      assert.equal(await result.text, 'The tool said: sunny in Paris');
      assert.deepEqual(ran, ['get_weather']);
      assert.deepEqual(
        (await result.steps).map((step) => step.finishReason),
        ['tool-calls', 'stop'],
      );
    });
  }
}

const withoutMessages = (body) => ({ ...body, messages: [] });

for (const [what, options, status, code, param] of [
  ['unknown key', { apiKey: 'sk-nobody' }, 401, 'invalid_api_key', null],
  ['unknown model', { id: 'nowhere/at-all' }, 404, 'model_not_found', 'model'],
  ['invalid body', { changed: withoutMessages }, 400, 'invalid_value', 'messages'],
]) {
  const isTheError = (error) => {
    assert.ok(APICallError.isInstance(error), `${error}`);
    assert.equal(error.statusCode, status);
    assert.equal(error.data?.error.code ?? null, code);
    assert.equal(error.data?.error.param ?? null, param);
    assert.match(error.responseHeaders['x-request-id'], /^req_/);
    assert.ok(!error.responseBody.includes('sk-nobody'));
    return true;
  };

  test(`${what}`, () => assert.rejects(generateText(asking('hi', options)), isTheError));

  test(`${what}, streaming`, async () => {
    const { text, errors } = await parts('hi', options);

    assert.equal(text, '');
    assert.equal(errors.length, 1);
    isTheError(errors[0]);
  });
}

test('the rate limit is honoured', needs(tinyKey), async () => {
  const chat = (maxRetries) => generateText(asking('hi', { apiKey: tinyKey, maxRetries }));
  const limit = 3; // RATE_LIMIT_TINY of ../run
  for (let i = 0; i < limit; i++) {
    await chat(0);
  }

  let wait;
  await assert.rejects(chat(0), (error) => {
    assert.ok(APICallError.isInstance(error), `${error}`);
    assert.ok(error.isRetryable);
    assert.equal(error.statusCode, 429);
    assert.equal(error.data.error.code, 'rate_limit_exceeded');
    wait = Number(error.responseHeaders['retry-after']);
    return true;
  });
  const began = Date.now();
  assert.equal((await chat(1)).text, 'You said: hi');
  assert.ok(Date.now() - began > (wait - 2) * 1000);
});

for (const mishap of ['error=2', 'cut=2', 'end=2']) {
  test(`failure in the middle is an error part: ${mishap}`, async () => {
    const { text, errors } = await parts(`[[script chunks=5 gap=5 ${mishap}]]`);

    assert.equal(text, 'word1 word2');
    assert.equal(errors.length, 1);
  });
}

// wire 1.3
test('silent provider is not given up', async () => {
  const { text, errors } = await parts('[[script chunks=2 gap=6500]]');

  assert.equal(text, 'word1 word2');
  assert.equal(errors.length, 0);
});

for (const script of ['chunks=600 gap=100', 'chunks=5 silent=1']) {
  test(`leaving a stream cancels the provider's answer: ${script}`, needs(stats), async () => {
    const before = await cancelledStreams();
    const leaving = new AbortController();
    const { textStream } = streamText(
      asking(`[[script ${script}]]`, { abortSignal: leaving.signal }),
    );

    for await (const text of textStream) {
      if (text) {
        leaving.abort();
      }
    }

    await waitUntil(async () => (await cancelledStreams()) > before);
  });
}

// The scenes that depend on the provider's format.
for (const id of otherModels) {
  test(`${id}: chat`, async () => {
    const { text, finishReason, usage, response } = await generateText(
      asking('hello there', { id, system: 'Be brief.' }),
    );

    assert.equal(text, 'You said: hello there');
    assert.equal(finishReason, 'stop');
    assert.equal(response.modelId, id);
    assert.equal(usage.outputTokens, 4);
    assert.equal(usage.inputTokenDetails.cacheReadTokens, 7);
    assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens);
  });

  test(`${id}: stream with usage`, async () => {
    const { text, errors, of } = await parts('hello there [[script reasoning=1]]', { id });

    assert.equal(text, 'You said: hello there');
    assert.deepEqual(errors, []);
    assert.equal(of('reasoning-delta').map((part) => part.text).join(''), 'Let me think.');
    assert.equal(of('finish')[0].finishReason, 'stop');
    assert.ok(of('finish')[0].totalUsage.totalTokens > 4);
  });

  for (const ask of [generateText, streamText]) {
    test(`${id}: tools run until the answer: ${ask.name}`, async () => {
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
          id,
          tools: { get_weather: getWeather },
          stopWhen: stepCountIs(3),
          providerOptions: { llmproxy: { reasoningEffort: 'low' } },
        }),
      );

      assert.equal(await result.text, 'The tool said: sunny in Rome');
      assert.deepEqual(asked, ['Paris', 'Rome']);
    });

    test(`${id}: answers in a JSON schema: ${ask.name}`, async () => {
      const schema = z.object({ city: z.string(), people: z.number().int() });

      const result = await ask(
        asking('[[script json=1]]', { id, output: Output.object({ schema }) }),
      );

      assert.deepEqual(await result.output, { city: 'Paris', people: 42 });
    });
  }

  test(`${id}: picture`, async () => {
    const content = [
      { type: 'text', text: 'What?' },
      { type: 'file', data: picture.split(',')[1], mediaType: 'image/png' },
    ];

    const { text } = await generateText(
      asking(undefined, { id, messages: [{ role: 'user', content }] }),
    );

    assert.equal(text, 'You said: What?');
  });

  test(`${id}: busy provider`, () =>
    assert.rejects(
      generateText(asking('[[script status=429 retry_after=7]]', { id })),
      (error) => error.statusCode === 429 && error.responseHeaders['retry-after'] === '7',
    ));

  for (const mishap of ['error=2', 'cut=2', 'end=2']) {
    test(`${id}: failure in the middle is an error part: ${mishap}`, async () => {
      const { text, errors } = await parts(`[[script chunks=5 ${mishap}]]`, { id });

      assert.equal(text, 'word1 word2');
      assert.equal(errors.length, 1);
    });
  }
}
