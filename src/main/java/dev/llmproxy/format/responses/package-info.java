/** OpenAI's Responses format: its requests as chats, and chat events as its items and events. */
package dev.llmproxy.format.responses;
