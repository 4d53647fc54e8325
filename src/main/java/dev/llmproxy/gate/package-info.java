/** The gate: API keys, sign-in, and limits. */
package dev.llmproxy.gate;
