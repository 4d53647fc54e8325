package dev.llmproxy.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.tool.ToolException;
import java.util.ArrayList;
import java.util.List;

/** What a server answers to {@code tools/call}, as a text for models. */
final class CallResult {
  private CallResult() {}

  /**
   * The texts; the structured content as JSON when there is none. Of images and the like it says
   * what they are.
   *
   * @return null when the result is empty
   * @throws ToolException with the server's own words when the result is an error
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

  /** The size is a number of bytes, or what they are in base64. */
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
