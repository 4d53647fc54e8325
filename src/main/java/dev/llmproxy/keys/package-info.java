/** API keys: reading them from the sheet, storing them for a restart, and revoking them. */
package dev.llmproxy.keys;
