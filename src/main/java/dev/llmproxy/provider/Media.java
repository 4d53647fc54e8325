package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * An image, sound or file in a message.
 *
 * @param kind {@code image}, {@code audio} or {@code file}
 * @param mimeType in lower case, e.g. {@code image/png}; empty when only the address is known
 * @param data base64; null when the request has an address
 * @param url the address; null when the request has the data
 * @param name the file's name, or null
 */
public record Media(String kind, String mimeType, String data, String url, String name) {
  private static final Map<String, String> BY_ENDING =
      Map.of("pdf", "application/pdf", "txt", "text/plain", "md", "text/plain", "csv", "text/csv");
  private static final Pattern BASE64 = Pattern.compile("[A-Za-z0-9+/\\s]++=*+\\s*+");
  private static final String TEXT = "text/plain";

  /**
   * The medium of a content part.
   *
   * @param path the part's place in the request, for errors
   * @return null when the part has no medium
   * @throws ApiException 400 when the part has a medium that cannot be read
   */
  public static Media of(JsonNode part, String path) {
    return switch (part.path("type").asText("")) {
      case "image_url" -> {
        JsonNode image = part.path("image_url");
        yield at(
            "image",
            image.isTextual() ? image.textValue() : image.path("url").asText(""),
            null,
            path + ".image_url.url");
      }
      case "input_audio" -> {
        JsonNode audio = part.path("input_audio");
        String format = audio.path("format").asText("wav").toLowerCase(Locale.ROOT);
        yield new Media("audio", "audio/" + format, audio.path("data").asText(""), null, null);
      }
      case "file" -> file(part.path("file"), path + ".file");
      default -> null;
    };
  }

  private static Media file(JsonNode file, String path) {
    if (file.hasNonNull("file_id")) {
      throw OpenAiErrors.invalidValue(
              path + ".file_id",
              "this provider has no files of this server; send the file's content in file_data.")
          .asException();
    }
    String name = file.path("filename").textValue();
    String data = file.path("file_data").asText("");
    if (data.startsWith("data:") || data.startsWith("http://") || data.startsWith("https://")) {
      return at("file", data, name, path + ".file_data");
    }
    String ending = name == null ? "" : name.substring(name.lastIndexOf('.') + 1);
    return new Media(
        "file",
        BY_ENDING.getOrDefault(ending.toLowerCase(Locale.ROOT), "application/pdf"),
        base64(data, path + ".file_data"),
        null,
        name);
  }

  private static Media at(String kind, String address, String name, String path) {
    if (!address.startsWith("data:")) {
      if (!address.startsWith("http://") && !address.startsWith("https://")) {
        throw OpenAiErrors.invalidValue(
                path, "it must begin with https://, http:// or data:, with base64.")
            .asException();
      }
      return new Media(kind, "", null, address, name);
    }
    int comma = address.indexOf(',');
    if (comma < 0) {
      throw OpenAiErrors.invalidValue(path, "the data: address has no data.").asException();
    }
    String head = address.substring("data:".length(), comma).toLowerCase(Locale.ROOT);
    String rest = address.substring(comma + 1);
    int semicolon = head.indexOf(';');
    String type = semicolon < 0 ? head : head.substring(0, semicolon);
    type = type.isEmpty() ? TEXT : type.equals("image/jpg") ? "image/jpeg" : type;
    String data;
    if (head.endsWith(";base64")) {
      data = base64(rest, path);
    } else {
      data = Base64.getEncoder().encodeToString(decoded(rest, path));
    }
    return new Media(kind, type, data, null, name);
  }

  private static byte[] decoded(String rest, String path) {
    try {
      return URLDecoder.decode(rest.replace("+", "%2B"), StandardCharsets.UTF_8)
          .getBytes(StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw OpenAiErrors.invalidValue(path, "the data: address cannot be decoded.").asException();
    }
  }

  private static String base64(String data, String path) {
    String text = data.strip();
    if (text.isEmpty() || !BASE64.matcher(text).matches()) {
      throw OpenAiErrors.invalidValue(path, "its data is not base64.").asException();
    }
    return text;
  }

  /** The data as text in UTF-8. */
  public String text() {
    return new String(Base64.getMimeDecoder().decode(data), StandardCharsets.UTF_8);
  }
}
