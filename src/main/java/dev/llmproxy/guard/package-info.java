/** Guards: routes that refuse, redact or mark prompts and answers. */
package dev.llmproxy.guard;
