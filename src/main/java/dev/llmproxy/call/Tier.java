package dev.llmproxy.call;

import dev.llmproxy.catalogue.AllowedModels;

/**
 * A named set of limits. They count for each key, and for each person who has signed in.
 *
 * @param name as the key names it
 * @param requestsPerMinute chats and embeddings a minute
 * @param tokensPerMinute tokens of prompts and answers a minute
 * @param requestsPerDay chats and embeddings in 24 hours
 * @param concurrent requests under way at once
 * @param budget US dollars in a calendar month, UTC
 * @param models the models that may be used; null: all
 * @param tools the tools of the server that may be used; null: all
 */
public record Tier(
    String name,
    Limit requestsPerMinute,
    Limit tokensPerMinute,
    Limit requestsPerDay,
    Limit concurrent,
    Limit budget,
    AllowedModels models,
    AllowedTools tools) {

  /** A tier with a limit of requests a minute and no other. */
  public static Tier of(String name, Limit requestsPerMinute) {
    return new Tier(
        name,
        requestsPerMinute,
        Limit.UNLIMITED,
        Limit.UNLIMITED,
        Limit.UNLIMITED,
        Limit.UNLIMITED,
        null,
        null);
  }

  /** This tier with the limits that a key has of its own. */
  Tier with(OwnLimits own) {
    return own.budget() == null && own.requestsPerMinute() == null
        ? this
        : new Tier(
            name,
            own.requestsPerMinute() == null ? requestsPerMinute : own.requestsPerMinute(),
            tokensPerMinute,
            requestsPerDay,
            concurrent,
            own.budget() == null ? budget : own.budget(),
            models,
            tools);
  }
}
