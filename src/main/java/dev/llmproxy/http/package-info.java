/** HTTP towards clients: connections, request bodies, replies, and what every answer has. */
package dev.llmproxy.http;
