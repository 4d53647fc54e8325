import OpenAI from 'openai';
import { baseURL, key } from './environment.js';

export * from './environment.js';

/** Without retries, so that a test sees the first answer. */
export function clientWith(apiKey) {
  return new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
}

export const client = clientWith(key);

export const user = (content) => [{ role: 'user', content }];
