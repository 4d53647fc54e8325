/** Answers of audio, images, moderations and reranking, which clients get as they arrive. */
package dev.llmproxy.format.media;
