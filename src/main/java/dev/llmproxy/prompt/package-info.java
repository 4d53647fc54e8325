/** Prompts that aliases of models carry. */
package dev.llmproxy.prompt;
