package dev.llmproxy.catalogue;

import java.util.Arrays;
import java.util.List;

/**
 * An endpoint whose requests are passed on as they are to the provider of their model. The answer
 * goes to the client as the provider sends it.
 */
public enum MediaEndpoint {
  TRANSCRIPTIONS("audio/transcriptions", "audio"),
  TRANSLATIONS("audio/translations", "audio"),
  SPEECH("audio/speech", "audio"),
  GENERATIONS("images/generations", "image"),
  EDITS("images/edits", "image"),
  MODERATIONS("moderations", "moderation"),
  RERANK("rerank", "rerank");

  private final String path;
  private final String type;

  MediaEndpoint(String path, String type) {
    this.path = path;
    this.type = type;
  }

  /** The path below {@code /v1/}, e.g. {@code audio/speech}. Providers' files use it as a name. */
  public String path() {
    return path;
  }

  /** The type of its requests in the usage sheets. */
  public String type() {
    return type;
  }

  /**
   * The endpoint with this path.
   *
   * @throws IllegalArgumentException when there is none
   */
  public static MediaEndpoint of(String path) {
    return Arrays.stream(values())
        .filter(each -> each.path.equals(path))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(path));
  }

  /** The paths of all endpoints. */
  static List<String> paths() {
    return Arrays.stream(values()).map(MediaEndpoint::path).toList();
  }
}
