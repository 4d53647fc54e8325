/** Callbacks: steps of the routes that tell other systems of settled requests. */
package dev.llmproxy.callback;
