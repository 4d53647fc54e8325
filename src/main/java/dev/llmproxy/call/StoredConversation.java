package dev.llmproxy.call;

import java.util.concurrent.CompletableFuture;

/**
 * A conversation that is stored, from the admission of its request on.
 *
 * @param keeping where it is stored
 * @param begun completes once it is known whether the question is in the ledger's database
 */
public record StoredConversation(Keeping keeping, CompletableFuture<Boolean> begun) {}
