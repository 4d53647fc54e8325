/** Requests for audio, images, moderations and reranking, which are passed on as they are. */
package dev.llmproxy.media;
