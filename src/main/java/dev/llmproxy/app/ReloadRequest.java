package dev.llmproxy.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.admin.LiveEdits;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.PrivateFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/**
 * The request of the command {@code reload} to the server that uses the same data folder, and the
 * answer: two files, so that whoever may use the folder may ask.
 */
public final class ReloadRequest {
  private static final long POLL_MILLIS = 100;
  private static final String ID = "id";

  private final Path request;
  private final Path answer;

  /**
   * @param data the data folder
   */
  public ReloadRequest(Path data) {
    request = data.resolve("reload");
    answer = data.resolve("reload.json");
  }

  /**
   * Asks the server and waits.
   *
   * @return the answer, as {@link LiveEdits#report}; empty when no server has answered in time
   */
  public Optional<JsonNode> send(Duration patience) throws InterruptedException {
    String id = UUID.randomUUID().toString();
    try {
      PrivateFile.write(request, id);
      long end = System.nanoTime() + patience.toNanos();
      while (System.nanoTime() - end < 0) {
        Thread.sleep(POLL_MILLIS);
        if (Files.exists(answer)) {
          JsonNode given = Json.parse(Files.readString(answer));
          if (given.path(ID).asText().equals(id)) {
            Files.deleteIfExists(answer);
            return Optional.of(given);
          }
        }
      }
      Files.deleteIfExists(request);
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Answers a request, if there is one. */
  void answer(LiveEdits live) {
    if (!Files.exists(request)) {
      return;
    }
    try {
      String id = Files.readString(request);
      Files.deleteIfExists(request);
      ObjectNode report = live.reread();
      PrivateFile.write(answer, Json.text(report.put(ID, id)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
