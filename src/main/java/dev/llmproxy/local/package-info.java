/**
 * A small chat model that runs inside the server: SmolLM2-135M-Instruct, in plain Java.
 *
 * <p>It makes a first run useful without an account, and lets tests talk to a real model. {@link
 * dev.llmproxy.local.LocalModel} is the way in. The engine knows this one model only, and every
 * answer is reproducible to the bit on every machine: sums have a fixed order, products are plain
 * {@code x * w + a}, and no result depends on the number of threads, on how a prompt was cut into
 * batches, or on what was cached.
 */
package dev.llmproxy.local;
