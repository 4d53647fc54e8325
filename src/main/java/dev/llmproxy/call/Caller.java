package dev.llmproxy.call;

import dev.llmproxy.catalogue.AllowedModels;
import dev.llmproxy.catalogue.Chain;
import dev.llmproxy.error.OpenAiErrors;

/**
 * The sender of a request: the owner of an API key, or a person who has signed in.
 *
 * @param email the address as written in the sheet; for a person, the address that Google gives, in
 *     lower case
 * @param keyName the name of the key; empty for a person
 * @param keyHash lower-case hex sha256 of the key; empty for a person
 * @param tier the named set of limits the key refers to
 * @param conversations where conversations are stored; null: the setting LOG_CONVERSATIONS decides
 * @param models the models that the key may use; null: all
 */
public record Caller(
    String email,
    String keyName,
    String keyHash,
    String tier,
    ConversationStorage conversations,
    AllowedModels models) {
  /** A caller of all models whose conversations follow the setting LOG_CONVERSATIONS. */
  public Caller(String email, String keyName, String keyHash, String tier) {
    this(email, keyName, keyHash, tier, null, null);
  }

  /** A person who has signed in and has sent no key. */
  public static Caller person(String email, String tier, ConversationStorage conversations) {
    return new Caller(email, "", "", tier, conversations, null);
  }

  /** Whether the caller is a person who has signed in. */
  public boolean isPerson() {
    return keyHash.isEmpty();
  }

  /** Whether the caller may use a model by its name {@code provider/model}. */
  public boolean mayUse(String model) {
    return models == null || models.allow(model);
  }

  /** Whether the caller may use a name of a model, given what it stands for. */
  public boolean mayUse(String model, Chain chain) {
    return models == null || models.allow(model, chain);
  }

  /**
   * What a name of a model stands for, if the caller may use it.
   *
   * @return {@code chain}
   * @throws dev.llmproxy.error.ApiException 403 when the caller may not
   */
  public Chain allowed(String model, Chain chain) {
    if (!mayUse(model, chain)) {
      throw OpenAiErrors.modelNotAllowed(model).asException();
    }
    return chain;
  }
}
