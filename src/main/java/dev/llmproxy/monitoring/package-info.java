/** What an operator sees of a running server: health, metrics and traces. */
package dev.llmproxy.monitoring;
