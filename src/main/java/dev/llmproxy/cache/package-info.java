/** The response cache: answers to requests that have been asked before, from memory. */
package dev.llmproxy.cache;
