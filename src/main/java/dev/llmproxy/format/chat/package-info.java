/** The format of {@code POST /chat}: the form of the request and the events of the answer. */
package dev.llmproxy.format.chat;
