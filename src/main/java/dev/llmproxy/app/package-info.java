/** The application: its parts, its start and stop, and its HTTP listener. */
package dev.llmproxy.app;
