/** Providers that speak Anthropic's Messages format. */
package dev.llmproxy.provider.anthropic;
