/** The state of a request while it is served: caller, call, outcome and usage. */
package dev.llmproxy.call;
