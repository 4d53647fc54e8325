/**
 * The catalogue of providers, models and prices, read from {@code providers/}, and the choice of
 * the target of a request.
 */
package dev.llmproxy.catalogue;
