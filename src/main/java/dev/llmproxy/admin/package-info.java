/** The management pages: sign-in, sessions, the gate of their API, and the record of actions. */
package dev.llmproxy.admin;
