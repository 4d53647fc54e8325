/** What OpenAI's clients speak: chunks, completions and lists of models. */
package dev.llmproxy.format.openai;
