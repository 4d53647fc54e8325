/** The provider for the models in this process. */
package dev.llmproxy.provider.local;
