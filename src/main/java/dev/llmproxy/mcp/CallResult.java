package dev.llmproxy.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.tool.ToolException;
import java.util.ArrayList;
import java.util.List;

/** Converts a server's answer to {@code tools/call} into text for models. */
final class CallResult {
  private CallResult() {}

  /**
   * The texts of a result, or its structured content as JSON when it has no text. Images, audio and
   * other files become a note with their type and size.
   *
   * @return null when the result is empty
   * @throws ToolException when the result is an error; the message is the server's
   */
  static String text(JsonNode result) {
    List<String> parts = new ArrayList<>();
    boolean texts = false;
    for (JsonNode content : result.path("content")) {
      texts |= content.path("type").asText().equals("text");
      parts.add(text(content.path("type").asText(), content));
    }
    JsonNode structured = result.path("structuredContent");
    if (!texts && !structured.isMissingNode() && !structured.isNull()) {
      parts.addFirst(Json.text(structured));
    }
    String text = parts.isEmpty() ? null : String.join("\n", parts);
    if (result.path("isError").asBoolean()) {
      throw new ToolException(
          text == null || text.isBlank() ? "The tool failed and did not say why." : text);
    }
    return text;
  }

  private static String text(String type, JsonNode content) {
    return switch (type) {
      case "text" -> content.path("text").asText();
      case "image", "audio" -> note(type, "", content, content.path("data"));
      case "resource" -> resource(content.path("resource"));
      case "resource_link" ->
          note("link to a resource", place(content), content, content.path("size"));
      default -> "[content of the type \"%s\", which is not shown]".formatted(type);
    };
  }

  private static String resource(JsonNode resource) {
    return resource.has("text")
        ? note("resource", place(resource), resource, Json.object())
            + "\n"
            + resource.path("text").asText()
        : note("resource", place(resource), resource, resource.path("blob"));
  }

  private static String place(JsonNode resource) {
    return " " + resource.path("uri").asText("?");
  }

  /**
   * A note about a file.
   *
   * @param size a number of bytes, or the content in base64
   */
  private static String note(String what, String place, JsonNode typed, JsonNode size) {
    String type = typed.path("mimeType").asText("");
    long bytes = size.isTextual() ? size.textValue().length() / 4 * 3L : size.asLong();
    return "[%s%s%s%s]"
        .formatted(
            what,
            place,
            type.isEmpty() ? "" : ", " + type,
            bytes == 0 ? "" : ", about %d bytes".formatted(bytes));
  }
}
