/** Configurations of other gateways become provider files, aliases, settings and rows of keys. */
package dev.llmproxy.migration;
