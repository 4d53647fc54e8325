/** Chats: the request, the turns, the events of the answer, and the offered tools. */
package dev.llmproxy.chat;
