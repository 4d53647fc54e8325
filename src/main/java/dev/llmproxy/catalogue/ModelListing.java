package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One page of a provider's own list of models, in any of the forms that providers use: OpenAI's
 * {@code data}, Gemini's {@code models}, or a bare list (Together).
 *
 * @param models the models of the page
 * @param next what to add to the query of the address for the next page; empty on the last page
 */
public record ModelListing(List<Listed> models, String next) {
  /** The names of the context length: Anthropic, Gemini, Mistral, OpenRouter, Novita, vLLM … */
  private static final List<String> CONTEXT =
      List.of(
          "max_input_tokens",
          "inputTokenLimit",
          "max_context_length",
          "context_length",
          "context_window",
          "context_size",
          "max_model_len");

  /**
   * A model in the list.
   *
   * @param id the provider's name of the model
   * @param contextLength in tokens, or 0 when the list does not say it
   */
  public record Listed(String id, int contextLength) {}

  /**
   * Reads a page. Entries without a name are left out.
   *
   * @throws IllegalArgumentException when the answer is not a list of models
   */
  public static ModelListing of(JsonNode page) {
    JsonNode list = page.isArray() ? page : page.path(page.has("models") ? "models" : "data");
    if (!list.isArray()) {
      throw new IllegalArgumentException("the answer is not a list of models");
    }
    List<Listed> models = new ArrayList<>();
    for (JsonNode model : list) {
      // Gemini's names are models/<id>.
      String id =
          model.path("id").asText(model.path("name").asText("")).replaceFirst("^models/", "");
      if (!id.isBlank()) {
        models.add(new Listed(id, contextLength(model)));
      }
    }
    return new ModelListing(List.copyOf(models), next(page));
  }

  private static int contextLength(JsonNode model) {
    for (String name : CONTEXT) {
      if (model.path(name).isIntegralNumber()) {
        return Math.max(0, model.get(name).asInt());
      }
    }
    // llama.cpp
    return Math.max(0, model.path("meta").path("n_ctx").asInt());
  }

  private static String next(JsonNode page) {
    if (page.path("has_more").asBoolean() && page.path("last_id").isTextual()) {
      return "after_id=" + encoded(page.get("last_id").textValue());
    }
    String token = page.path("nextPageToken").asText("");
    if (!token.isEmpty()) {
      return "pageToken=" + encoded(token);
    }
    String link = page.path("links").path("next").asText("");
    return link.contains("?") ? link.substring(link.indexOf('?') + 1) : "";
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
