/** Providers that speak the format of Gemini, generateContent. */
package dev.llmproxy.provider.gemini;
