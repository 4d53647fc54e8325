/** A chat: its request, its turns, the events of its answer, and the tools that it is offered. */
package dev.llmproxy.chat;
