/** Anthropic's Messages format for clients: requests, answers and streams. */
package dev.llmproxy.format.messages;
