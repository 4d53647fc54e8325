/**
 * Providers, whatever format they speak: connections, limits, refusals, and the usage that they
 * report.
 */
package dev.llmproxy.provider;
