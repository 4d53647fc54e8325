/**
 * Providers and models as the files in {@code providers/} describe them, with prices, and which of
 * them serves a request.
 */
package dev.llmproxy.catalogue;
