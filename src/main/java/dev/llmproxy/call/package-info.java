/** A request while it is served: who asks, what for, how it ends, and what it has used. */
package dev.llmproxy.call;
