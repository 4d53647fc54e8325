/**
 * A small embedding model that runs inside the server: all-MiniLM-L6-v2, quantised, by ONNX
 * Runtime. {@link dev.llmproxy.local.embedding.EmbeddingModel} is the way in.
 */
package dev.llmproxy.local.embedding;
