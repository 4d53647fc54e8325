package dev.llmproxy.call;

import dev.llmproxy.base.EmailAddress;
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
 * @param models the models that the key may use; null: all that the tier may
 * @param ownLimits the limits that the key has in place of its tier's
 * @param limits the limits that apply; null until the gate has looked up the tier
 */
public record Caller(
    String email,
    String keyName,
    String keyHash,
    String tier,
    ConversationStorage conversations,
    AllowedModels models,
    OwnLimits ownLimits,
    Tier limits) {
  /** A caller of all models whose conversations follow the setting LOG_CONVERSATIONS. */
  public Caller(String email, String keyName, String keyHash, String tier) {
    this(email, keyName, keyHash, tier, null, null, OwnLimits.NONE, null);
  }

  /** A person who has signed in and has sent no key. */
  public static Caller person(String email, String tier, ConversationStorage conversations) {
    return new Caller(email, "", "", tier, conversations, null, OwnLimits.NONE, null);
  }

  /** This caller with the limits of the tier, and of the key where it has its own. */
  public Caller within(Tier tierLimits) {
    return new Caller(
        email,
        keyName,
        keyHash,
        tier,
        conversations,
        models,
        ownLimits,
        tierLimits.with(ownLimits));
  }

  /** Whether the caller is a person who has signed in. */
  public boolean isPerson() {
    return keyHash.isEmpty();
  }

  /** The name under which the caller's use is counted: the key's hash, or the person's address. */
  public String account() {
    return isPerson() ? EmailAddress.folded(email) : keyHash;
  }

  /** Whether some models are not for this caller. */
  public boolean isRestricted() {
    return models != null || ofTier() != null;
  }

  /** Whether the caller may use a model by its name {@code provider/model}. */
  public boolean mayUse(String model) {
    return (models == null || models.allow(model)) && (ofTier() == null || ofTier().allow(model));
  }

  /** Whether the caller may use a name of a model, given what it stands for. */
  public boolean mayUse(String model, Chain chain) {
    return (models == null || models.allow(model, chain))
        && (ofTier() == null || ofTier().allow(model, chain));
  }

  /** Whether the caller may use a tool of the server. */
  public boolean mayUseTool(String name) {
    return limits == null || limits.tools() == null || limits.tools().allow(name);
  }

  private AllowedModels ofTier() {
    return limits == null ? null : limits.models();
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
