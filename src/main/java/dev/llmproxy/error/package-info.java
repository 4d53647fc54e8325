/** Errors as clients see them, in OpenAI's form. */
package dev.llmproxy.error;
