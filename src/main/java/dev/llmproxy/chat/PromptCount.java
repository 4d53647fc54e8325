package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.catalogue.ProviderCatalogue;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Counts the tokens of a request's prompt without asking a provider: messages, tool calls, tool
 * results, reasoning, images and the definitions of tools. A model of this process counts exactly.
 * For others the number is an estimate that is rather too large, because a client that believes
 * that a prompt fits does not shorten it.
 */
public final class PromptCount {
  /** A tokenizer of this process. */
  public interface Tokenizer {
    /** The tokens of a chat's prompt; empty when this tokenizer cannot count it. */
    OptionalLong count(ObjectNode chat);
  }

  /** The wire format of the models in this process. */
  private static final String LOCAL = "local";

  private static final double BYTES_PER_TOKEN = 3.5;
  private static final long TOKENS_OF_AN_IMAGE = 1600;

  /** A page of a document takes as many tokens as an image, and seldom less than this in Base64. */
  private static final long CHARACTERS_OF_A_PAGE = 20_000;

  private static final List<String> DEFINITIONS = List.of("tools", "functions", "response_format");

  private final ProviderCatalogue providers;
  private final Tokenizer local;

  /**
   * @param local counts for the models in this process
   */
  public PromptCount(ProviderCatalogue providers, Tokenizer local) {
    this.providers = providers;
    this.local = local;
  }

  /**
   * The tokens of a request's prompt; at least 1.
   *
   * @throws dev.llmproxy.error.ApiException 404 for an unknown model
   */
  public long count(ChatRequest request) {
    boolean here = providers.chatChain(request.model()).first().provider().format().equals(LOCAL);
    OptionalLong exact = here ? local.count(request.body()) : OptionalLong.empty();
    return Math.max(1, exact.isPresent() ? exact.getAsLong() : estimate(request.body()));
  }

  /**
   * The estimated tokens of a chat's prompt: one for 3.5 bytes of text in UTF-8, and 1,600 for an
   * image or a page. At least 1.
   *
   * @param chat a request in OpenAI's chat format
   */
  public static long estimate(ObjectNode chat) {
    Sum sum = new Sum();
    for (JsonNode message : chat.path("messages")) {
      sum.addMessage(message);
    }
    DEFINITIONS.forEach(field -> sum.addJson(chat.path(field)));
    return Math.max(1, sum.media + (long) Math.ceil(sum.bytes / BYTES_PER_TOKEN));
  }

  private static final class Sum {
    private long bytes;
    private long media;

    void addMessage(JsonNode message) {
      for (Map.Entry<String, JsonNode> field : message.properties()) {
        JsonNode value = field.getValue();
        if (value.isTextual()) {
          addText(value.textValue());
        } else if (field.getKey().equals("content")) {
          value.forEach(this::addPart);
        } else {
          addJson(value);
        }
      }
    }

    private void addPart(JsonNode part) {
      switch (part.path("type").asText("")) {
        case "text" -> addText(part.path("text").asText(""));
        case "image_url" -> media += TOKENS_OF_AN_IMAGE;
        case "file" -> addPages(part.path("file").path("file_data").asText("").length());
        case "input_audio" -> addPages(part.path("input_audio").path("data").asText("").length());
        default -> addJson(part);
      }
    }

    private void addPages(long characters) {
      media += TOKENS_OF_AN_IMAGE * Math.max(1, Math.ceilDiv(characters, CHARACTERS_OF_A_PAGE));
    }

    /** Adds a value as JSON, without building its text. */
    private void addJson(JsonNode value) {
      if (value.isTextual()) {
        addText(value.textValue());
        bytes += 2;
      } else if (value.isContainerNode()) {
        bytes += 2;
        for (Map.Entry<String, JsonNode> field : value.properties()) {
          addText(field.getKey());
          bytes += 4;
          addJson(field.getValue());
        }
        if (value.isArray()) {
          for (JsonNode each : value) {
            bytes += 1;
            addJson(each);
          }
        }
      } else if (value.isValueNode()) {
        bytes += value.asText().length();
      }
    }

    /** Adds the bytes of a text in UTF-8. */
    private void addText(String text) {
      bytes += text.length();
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (c >= 0x80) {
          // Each half of a pair of surrogates stands for two of four bytes.
          bytes += c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
        }
      }
    }
  }
}
