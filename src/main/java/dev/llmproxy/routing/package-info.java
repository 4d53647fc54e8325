/** The steps of the route {@code provider-attempts}. */
package dev.llmproxy.routing;
