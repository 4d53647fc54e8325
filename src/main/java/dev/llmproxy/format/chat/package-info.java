/**
 * What clients of {@code POST /chat} speak: the form of the request, and the events of the answer.
 */
package dev.llmproxy.format.chat;
