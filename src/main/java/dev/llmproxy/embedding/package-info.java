/** Embeddings: their request and their answer. */
package dev.llmproxy.embedding;
