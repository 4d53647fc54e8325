/**
 * A small chat model in the server's process: SmolLM2-135M-Instruct, in plain Java.
 *
 * <p>It makes the first run useful without an account, and gives tests a real model. {@link
 * dev.llmproxy.local.LocalModel} is the entry point. The engine supports only this model. Every
 * answer is reproducible to the bit on every machine: sums have a fixed order, products are plain
 * {@code x * w + a}, and no result depends on the number of threads, the batches of a prompt, or
 * the cache.
 */
package dev.llmproxy.local;
