/** The models that run in this process, as a provider. */
package dev.llmproxy.provider.local;
