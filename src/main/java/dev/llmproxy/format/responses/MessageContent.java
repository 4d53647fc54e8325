package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** Translates the content of items: a string, or an array of parts. */
final class MessageContent {
  private static final Set<String> TEXTS =
      Set.of("input_text", "output_text", "text", "summary_text", "reasoning_text");

  private final Consumer<String> dropped;

  /**
   * @param dropped is told the kinds of parts that the model does not get
   */
  MessageContent(Consumer<String> dropped) {
    this.dropped = dropped;
  }

  /**
   * The parts in the chat's form, in order.
   *
   * @param path of the content in the request, for errors
   * @throws dev.llmproxy.error.ApiException 400 for content of the wrong type, and for files that
   *     this server does not have
   */
  List<ObjectNode> parts(JsonNode content, String path) {
    List<ObjectNode> parts = new ArrayList<>();
    if (content.isTextual()) {
      parts.add(text(content.textValue()));
    } else if (content.isArray()) {
      for (int i = 0; i < content.size(); i++) {
        ObjectNode part = part(content.get(i), path + "[" + i + "]");
        if (part != null) {
          parts.add(part);
        }
      }
    } else if (!content.isMissingNode() && !content.isNull()) {
      throw OpenAiErrors.invalidType(path, "a string or an array of content parts").asException();
    }
    return parts;
  }

  private ObjectNode part(JsonNode part, String path) {
    if (!part.isObject()) {
      throw OpenAiErrors.invalidType(path, "an object").asException();
    }
    String type = part.path("type").asText("");
    if (TEXTS.contains(type)) {
      return text(part.path("text").asText(""));
    }
    return switch (type) {
      case "refusal" -> text(part.path("refusal").asText(""));
      case "input_image" -> image(part, path);
      case "input_file" -> file(part, path);
      case "input_audio" ->
          Json.object().put("type", type).set("input_audio", part.path("input_audio"));
      default -> {
        dropped.accept("input.content." + type);
        yield null;
      }
    };
  }

  private static ObjectNode text(String text) {
    return Json.object().put("type", "text").put("text", text);
  }

  private static ObjectNode image(JsonNode part, String path) {
    JsonNode given = part.path("image_url");
    // Some clients send the object of the chat endpoint.
    JsonNode url = given.isObject() ? given.path("url") : given;
    if (!url.isTextual()) {
      throw part.hasNonNull("file_id")
          ? noStoredFiles(path + ".file_id").asException()
          : OpenAiErrors.missing(path + ".image_url").asException();
    }
    ObjectNode image = Json.object().put("type", "image_url");
    ObjectNode address = image.putObject("image_url").put("url", url.textValue());
    String detail = part.path("detail").asText(given.path("detail").asText(""));
    if (!detail.isEmpty()) {
      address.put("detail", detail);
    }
    return image;
  }

  private static ObjectNode file(JsonNode part, String path) {
    for (String absent : List.of("file_id", "file_url")) {
      if (part.hasNonNull(absent) && !part.hasNonNull("file_data")) {
        throw noStoredFiles(path + "." + absent).asException();
      }
    }
    if (!part.path("file_data").isTextual()) {
      throw OpenAiErrors.missing(path + ".file_data").asException();
    }
    ObjectNode file = Json.object().put("type", "file");
    ObjectNode content = file.putObject("file");
    if (part.hasNonNull("filename")) {
      content.set("filename", part.get("filename"));
    }
    content.set("file_data", part.get("file_data"));
    return file;
  }

  private static ApiError noStoredFiles(String param) {
    return OpenAiErrors.invalidValue(
        param, "this server stores and fetches no files. Send the content itself, in base64.");
  }

  /** Whether a part is text. */
  static boolean isText(JsonNode part) {
    return part.path("type").asText("").equals("text");
  }

  /** The texts of the parts with a separator between them. */
  static String text(List<ObjectNode> parts, String separator) {
    return String.join(
        separator,
        parts.stream()
            .filter(MessageContent::isText)
            .map(part -> part.path("text").asText())
            .toList());
  }

  /** A message's content: a string for a single text, otherwise the parts. */
  static JsonNode content(List<ObjectNode> parts) {
    if (parts.size() == 1 && isText(parts.getFirst())) {
      return parts.getFirst().get("text");
    }
    ArrayNode content = Json.array();
    parts.forEach(content::add);
    return content;
  }
}
