package dev.llmproxy.cache;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.call.Caller;
import java.util.List;

/**
 * The place of a request in the cache. Requests of one caller that differ only in the order of
 * fields, in fields that are null, and in {@link #WITHOUT_EFFECT} have the same place.
 *
 * @param caller the key, or the person, that the answer belongs to
 * @param request lower-case hex SHA-256 of the request without its model
 */
record CacheKey(String caller, String request) {
  /** Fields of a request that do not change the answer, or only its form. */
  static final List<String> WITHOUT_EFFECT =
      List.of(
          "stream",
          "stream_options",
          "user",
          "metadata",
          "safety_identifier",
          "prompt_cache_key",
          "prompt_cache_retention",
          "prompt_cache_options");

  /**
   * @param body the request in OpenAI's format; not changed
   */
  static CacheKey of(Caller caller, ObjectNode body) {
    ObjectNode asked = Json.object();
    body.properties().stream()
        .filter(field -> !field.getValue().isNull())
        .forEach(field -> asked.set(field.getKey(), field.getValue()));
    // The model that serves the request counts, not its name: see of(String).
    asked.remove("model");
    asked.remove(WITHOUT_EFFECT);
    Sha256 digest = new Sha256();
    Json.writeSorted(asked, digest.input());
    return new CacheKey(
        caller.isPerson() ? "person " + caller.email() : "key " + caller.keyHash(),
        digest.hexWith(new byte[0]));
  }

  /**
   * The key of the answer by a model; 64 characters.
   *
   * @param servedModel {@code provider/model}, without aliases
   */
  String of(String servedModel) {
    return Sha256.hex(Json.text(Json.array().add(caller).add(servedModel).add(request)));
  }
}
