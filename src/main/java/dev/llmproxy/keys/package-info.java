/** API keys: what the sheet says of each, how it is read, kept for a restart, and revoked. */
package dev.llmproxy.keys;
