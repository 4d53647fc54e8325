/** Utilities for every package: JSON, hashes, settings, clocks, private files. */
package dev.llmproxy.base;
