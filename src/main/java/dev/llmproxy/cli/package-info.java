/** The commands of {@code ./llmproxy}, and the checks of {@code doctor}. */
package dev.llmproxy.cli;
