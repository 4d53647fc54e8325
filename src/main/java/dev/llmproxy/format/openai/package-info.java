/** OpenAI's format for clients: chunks, completions, embeddings, errors and lists of models. */
package dev.llmproxy.format.openai;
