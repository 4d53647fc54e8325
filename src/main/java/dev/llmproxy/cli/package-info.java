/** The commands of {@code ./llmproxy}, and what {@code doctor} checks. */
package dev.llmproxy.cli;
