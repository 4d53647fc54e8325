/** What every part may use: JSON, hashes, settings, clocks, files that only the server may read. */
package dev.llmproxy.base;
