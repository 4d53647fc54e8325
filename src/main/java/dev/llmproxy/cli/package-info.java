/** The commands of {@code ./llmproxy}. */
package dev.llmproxy.cli;
