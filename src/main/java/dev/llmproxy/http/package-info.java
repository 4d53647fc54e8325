/** HTTP towards clients: connections, request bodies, replies, and headers of every answer. */
package dev.llmproxy.http;
