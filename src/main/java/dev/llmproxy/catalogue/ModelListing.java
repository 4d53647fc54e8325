package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One page of a provider's own list of models, in any of the forms that providers use: OpenAI's
 * {@code data}, Gemini's and Ollama's {@code models}, or a bare list (Together).
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

  /** The names of the largest number of tokens of an answer. */
  private static final List<String> OUTPUT =
      List.of("max_tokens", "outputTokenLimit", "max_completion_tokens", "max_output_length");

  /** Families of Ollama's models that embed texts and do not chat. */
  private static final Set<String> EMBEDDING_FAMILIES = Set.of("bert", "nomic-bert");

  private static final String CHAT = "chat";
  private static final String EMBEDDINGS = "embeddings";
  private static final String TOOLS = "tools";
  private static final String VISION = "vision";
  private static final String SCHEMA = "json-schema";
  private static final String REASONING = "reasoning";

  /**
   * A model in the list.
   *
   * @param id the provider's name of the model
   * @param label the name for people; null when the list has none
   * @param contextLength in tokens, or 0 when the list does not say it
   * @param maxOutput the most tokens of an answer, or 0 when the list does not say it
   * @param abilities as in {@link Model}; empty when the list does not say them
   * @param services the services that run the model and their context lengths, for a router whose
   *     clients may choose one with {@code id:service} (Hugging Face); empty for other providers
   */
  public record Listed(
      String id,
      String label,
      int contextLength,
      int maxOutput,
      List<String> abilities,
      Map<String, Integer> services) {
    public Listed {
      abilities = List.copyOf(abilities);
      services = Map.copyOf(services);
    }

    /** A model of a provider that is no router. */
    public Listed(
        String id, String label, int contextLength, int maxOutput, List<String> abilities) {
      this(id, label, contextLength, maxOutput, abilities, Map.of());
    }

    /** Whether it is known to be neither for chats nor for embeddings. */
    boolean isOfAnotherKind() {
      return !abilities.isEmpty() && !abilities.contains(CHAT) && !abilities.contains(EMBEDDINGS);
    }
  }

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
        models.add(
            new Listed(
                id,
                label(model),
                contextLength(model),
                first(model, OUTPUT, model.path("top_provider")),
                abilities(model),
                services(model)));
      }
    }
    return new ModelListing(List.copyOf(models), next(page));
  }

  private static String label(JsonNode model) {
    JsonNode label = model.path(model.has("display_name") ? "display_name" : "displayName");
    return label.isTextual() && !label.textValue().isBlank() ? label.textValue() : null;
  }

  private static Map<String, Integer> services(JsonNode model) {
    Map<String, Integer> services = new HashMap<>();
    for (JsonNode service : model.path("providers")) {
      String name = service.path("provider").asText("");
      if (!name.isBlank()) {
        services.put(name, contextLength(service));
      }
    }
    return services;
  }

  private static int contextLength(JsonNode model) {
    // llama.cpp has it in meta.
    int length = first(model, CONTEXT, model);
    return length > 0 ? length : Math.max(0, model.path("meta").path("n_ctx").asInt());
  }

  /** The first of the fields that is a whole number, in the model or else in one of its parts. */
  private static int first(JsonNode model, List<String> names, JsonNode part) {
    for (JsonNode each : List.of(model, part)) {
      for (String name : names) {
        if (each.path(name).isIntegralNumber()) {
          return Math.max(0, each.get(name).asInt());
        }
      }
    }
    return 0;
  }

  /** The abilities that the entry names in one of the providers' ways; empty when it names none. */
  private static List<String> abilities(JsonNode model) {
    Set<String> abilities = new LinkedHashSet<>();
    JsonNode methods = model.path("supportedGenerationMethods");
    if (methods.isArray()) {
      return ofGemini(texts(methods));
    }
    String type = model.path("type").asText("");
    if (model.path("details").path("family").isTextual()) {
      // Ollama does not say what else a model can do.
      return EMBEDDING_FAMILIES.contains(model.path("details").path("family").textValue())
          ? List.of(EMBEDDINGS)
          : List.of();
    }
    JsonNode capabilities = model.path("capabilities");
    if (capabilities.path("completion_chat").isBoolean()) {
      ofMistral(capabilities, abilities);
    } else if (capabilities.path("image_input").isObject()) {
      ofAnthropic(capabilities, abilities);
    } else if (model.path("supported_parameters").isArray()
        || model.path("supported_features").isArray()) {
      ofOpenRouter(model, abilities);
    } else if (!type.isEmpty() && !type.equals("model")) {
      // Together
      return switch (type) {
        case "chat", "language", "code" -> List.of();
        case "embedding" -> List.of(EMBEDDINGS);
        default -> List.of(type);
      };
    }
    return List.copyOf(abilities);
  }

  private static List<String> ofGemini(Set<String> methods) {
    if (methods.contains("generateContent")) {
      return List.of(CHAT, TOOLS, VISION, SCHEMA);
    }
    return List.of(methods.contains("embedContent") ? EMBEDDINGS : "other");
  }

  private static void ofMistral(JsonNode capabilities, Set<String> abilities) {
    add(abilities, CHAT, capabilities.path("completion_chat"));
    add(abilities, TOOLS, capabilities.path("function_calling"));
    add(abilities, VISION, capabilities.path("vision"));
    add(abilities, REASONING, capabilities.path("reasoning"));
    if (abilities.contains(CHAT)) {
      abilities.add(SCHEMA);
    }
  }

  private static void ofAnthropic(JsonNode capabilities, Set<String> abilities) {
    abilities.add(CHAT);
    abilities.add(TOOLS);
    add(abilities, VISION, capabilities.path("image_input").path("supported"));
    add(abilities, SCHEMA, capabilities.path("structured_outputs").path("supported"));
    add(abilities, REASONING, capabilities.path("thinking").path("supported"));
  }

  private static void ofOpenRouter(JsonNode model, Set<String> abilities) {
    JsonNode architecture = model.path("architecture");
    Set<String> out = texts(architecture.path("output_modalities"));
    if (!out.isEmpty() && !out.contains("text")) {
      abilities.add(out.contains("embeddings") ? EMBEDDINGS : "other");
      return;
    }
    Set<String> named = texts(model.path("supported_parameters"));
    named.addAll(texts(model.path("supported_features")));
    abilities.add(CHAT);
    if (named.contains(TOOLS)) {
      abilities.add(TOOLS);
    }
    if (texts(architecture.path("input_modalities")).contains("image")) {
      abilities.add(VISION);
    }
    if (named.contains("structured_outputs")) {
      abilities.add(SCHEMA);
    }
    if (named.contains(REASONING)) {
      abilities.add(REASONING);
    }
  }

  private static void add(Set<String> abilities, String ability, JsonNode has) {
    if (has.asBoolean()) {
      abilities.add(ability);
    }
  }

  private static Set<String> texts(JsonNode list) {
    Set<String> texts = new LinkedHashSet<>();
    list.forEach(each -> texts.add(each.asText()));
    return texts;
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
