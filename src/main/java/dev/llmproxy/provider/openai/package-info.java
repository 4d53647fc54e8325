/** Providers that speak OpenAI's format. */
package dev.llmproxy.provider.openai;
