/** OpenAI's older format for the continuation of texts, {@code POST /v1/completions}. */
package dev.llmproxy.format.completions;
