package dev.llmproxy.call;

import java.util.concurrent.CompletableFuture;

/**
 * The state of a conversation that is stored. It exists from the admission of its request.
 *
 * @param storage where it is stored
 * @param begun completes with whether the question is stored in the ledger's database
 */
public record StoredConversation(ConversationStorage storage, CompletableFuture<Boolean> begun) {}
