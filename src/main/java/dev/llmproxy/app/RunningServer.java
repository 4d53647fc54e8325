package dev.llmproxy.app;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.PrivateFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The content of the file {@code server.json} of a data folder: the address of the server that uses
 * the folder. A killed server leaves the file behind. Only an answer with the header {@link
 * #HEADER} and the same instance proves that the server runs.
 *
 * @param url without a slash at the end, e.g. {@code http://127.0.0.1:3000}
 * @param pid the server's process id
 * @param instance a random id of this start; not secret
 */
public record RunningServer(String url, long pid, String instance) {
  /** The header of {@code GET /openapi.json} that contains the server's instance. */
  public static final String HEADER = "x-llmproxy-instance";

  private static final String FILE = "server.json";

  /**
   * The base URL of a server on this machine.
   *
   * @param scheme http or https
   * @param host the setting HOST
   */
  public static String url(String scheme, String host, int port) {
    String address =
        switch (host) {
          case "0.0.0.0", "localhost" -> "127.0.0.1";
          case "::" -> "[::1]";
          default -> host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
        };
    return scheme + "://" + address + ":" + port;
  }

  /** Reads the folder's file; empty when it is missing or cannot be read. */
  public static Optional<RunningServer> of(Path data) {
    try {
      JsonNode file = Json.parse(Files.readString(data.resolve(FILE)));
      return Optional.of(
          new RunningServer(
              file.path("url").asText(),
              file.path("pid").asLong(),
              file.path("instance").asText()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  void write(Path data) throws IOException {
    PrivateFile.write(
        data.resolve(FILE),
        Json.text(Json.object().put("url", url).put("pid", pid).put("instance", instance)) + "\n");
  }

  /** Deletes the file, unless another server has written it. */
  void remove(Path data) throws IOException {
    if (of(data).filter(this::equals).isPresent()) {
      Files.deleteIfExists(data.resolve(FILE));
    }
  }
}
