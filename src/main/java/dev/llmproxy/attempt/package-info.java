/**
 * Attempts to answer a request: which target is asked, what a failure means, and when another
 * attempt follows. Knows neither Camel nor HTTP.
 */
package dev.llmproxy.attempt;
