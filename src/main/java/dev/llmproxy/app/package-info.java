/** The application: what it is made of, how it starts and stops, and its HTTP listener. */
package dev.llmproxy.app;
