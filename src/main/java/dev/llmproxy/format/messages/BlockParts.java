package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;

/** Turns content blocks of a user into the parts of a chat message. */
final class BlockParts {
  /** The only kind of file that documents are. */
  private static final String PDF = ".pdf";

  private final Asked asked;

  BlockParts(Asked asked) {
    this.asked = asked;
  }

  /**
   * The parts of a block; none for a type that chats do not have, which is named as dropped.
   *
   * @param path the block's place in the request, for errors
   * @param place the block's place for the list of what is dropped, e.g. {@code messages}
   */
  ArrayNode of(JsonNode block, String path, String place) {
    ArrayNode parts = Json.array();
    String type = block.path("type").asText("");
    switch (type) {
      case "text" -> addText(parts, MessagesBody.text(block, "text", path));
      case "image" -> addImage(parts, block.path("source"), path + ".source");
      case "document" -> addDocument(parts, block, path + ".source");
      case "search_result" -> addText(parts, searchResult(block));
      default -> asked.drop(place + "." + type);
    }
    return parts;
  }

  private static void addText(ArrayNode parts, String text) {
    if (!text.isEmpty()) {
      parts.addObject().put("type", "text").put("text", text);
    }
  }

  private void addImage(ArrayNode parts, JsonNode source, String path) {
    String type = source.path("type").asText("");
    switch (type) {
      case "base64" -> addImage(parts, data(source, path));
      case "url" -> addImage(parts, MessagesBody.text(source, "url", path));
      default -> asked.drop("messages.image." + type);
    }
  }

  private static void addImage(ArrayNode parts, String address) {
    parts.addObject().put("type", "image_url").putObject("image_url").put("url", address);
  }

  private void addDocument(ArrayNode parts, JsonNode document, String path) {
    JsonNode source = document.path("source");
    String title = document.path("title").asText("");
    String type = source.path("type").asText("");
    switch (type) {
      case "text" -> addText(parts, titled(title, MessagesBody.text(source, "data", path)));
      case "base64" -> addFile(parts, title, data(source, path));
      case "url" -> addFile(parts, title, MessagesBody.text(source, "url", path));
      case "content" -> {
        addText(parts, title);
        JsonNode content = source.path("content");
        addText(parts, content.asText(""));
        for (int i = 0; content.isArray() && i < content.size(); i++) {
          parts.addAll(of(content.get(i), path + ".content[" + i + "]", "messages.document"));
        }
      }
      default -> asked.drop("messages.document." + type);
    }
  }

  private static void addFile(ArrayNode parts, String title, String data) {
    String name = title.isEmpty() ? "document" : title;
    parts
        .addObject()
        .put("type", "file")
        .putObject("file")
        .put("filename", name.endsWith(PDF) ? name : name + PDF)
        .put("file_data", data);
  }

  private static String data(JsonNode source, String path) {
    return "data:"
        + MessagesBody.text(source, "media_type", path)
        + ";base64,"
        + MessagesBody.text(source, "data", path);
  }

  private static String titled(String title, String text) {
    return title.isEmpty() ? text : title + "\n\n" + text;
  }

  private static String searchResult(JsonNode block) {
    StringBuilder text = new StringBuilder(block.path("title").asText(""));
    String source = block.path("source").asText("");
    text.append(source.isEmpty() ? "" : " (" + source + ")");
    for (JsonNode each : block.path("content")) {
      text.append('\n').append(each.path("text").asText(""));
    }
    return text.toString().strip();
  }
}
