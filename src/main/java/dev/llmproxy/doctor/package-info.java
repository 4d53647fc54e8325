/** The checks of an installation, for the command {@code doctor} and for the page System. */
package dev.llmproxy.doctor;
