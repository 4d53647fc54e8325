/**
 * A small embedding model in the server's process: all-MiniLM-L6-v2, quantised, by ONNX Runtime.
 * {@link dev.llmproxy.local.embedding.EmbeddingModel} is the entry point.
 */
package dev.llmproxy.local.embedding;
