package dev.llmproxy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.SteadyClock;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.Accumulator;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.http.Reply;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/** The golden files in {@code src/test/resources/fixtures}. To add a case, add its files. */
public final class Fixtures {
  private static final Path FOLDER = Path.of("src/test/resources/fixtures");

  private Fixtures() {}

  /** The names of the cases in a folder: file names without the ending. */
  public static List<String> cases(String folder, String ending) {
    try (Stream<Path> files = Files.list(FOLDER.resolve(folder))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(ending))
          .map(name -> name.substring(0, name.length() - ending.length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The names of the folders in a folder. */
  public static List<String> folders(String folder) {
    try (Stream<Path> files = Files.list(FOLDER.resolve(folder))) {
      return files
          .filter(Files::isDirectory)
          .map(file -> file.getFileName().toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static boolean exists(String file) {
    return Files.exists(FOLDER.resolve(file));
  }

  public static byte[] bytes(String file) {
    try {
      return Files.readAllBytes(FOLDER.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static JsonNode json(String file) {
    try {
      return Json.parse(bytes(file));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(file + " is no JSON: " + e.getMessage(), e);
    }
  }

  /** The context of a call, without an HTTP response. */
  public static RequestContext context(Call call) {
    return context(call, null);
  }

  /** The context of a call with an HTTP response. */
  public static RequestContext context(Call call, Reply reply) {
    RequestContext context =
        new RequestContext(call.requestId(), reply, call.started(), new SteadyClock());
    context.setCaller(call.caller());
    context.setCall(call);
    return context;
  }

  /**
   * Compares a result with a golden file; {@code make golden} writes the file instead.
   *
   * @throws AssertionError when they differ, even if the file was written
   */
  public static void check(String file, JsonNode actual) {
    Golden.ofThisRun().check(FOLDER.resolve(file), actual);
  }

  /** Compares a text with a golden file; see {@link #check(String, JsonNode)}. */
  public static void check(String file, String actual) {
    Golden.ofThisRun().check(FOLDER.resolve(file), actual);
  }

  /** A chat request to {@code groq/llama-test} that arrived at second 1760000000. */
  public static ChatCall chat(byte[] request) {
    Provider groq =
        new Provider(
            "groq", "Groq", "openai", "http://127.0.0.1/v1", "gsk-own-secret", null, List.of());
    return new ChatCall(
        "req_0001",
        new Caller("user@example.com", "laptop", "00", "free"),
        ChatRequest.parse(request),
        new Target("groq/llama-test", groq, "llama-test", null),
        Instant.ofEpochSecond(1_760_000_000),
        new Accumulator());
  }

  /** A chat event in the form of the golden files. */
  public static ObjectNode json(ChatEvent event) {
    ObjectNode json = Json.object().put("event", event.name());
    switch (event) {
      case ChatEvent.Delta delta -> json.set("chunk", delta.chunk());
      case ChatEvent.Complete complete -> json.set("usage", complete.usage());
      case ChatEvent.Failed failed -> json.set("error", failed.error().toJson().get("error"));
      default -> throw new IllegalArgumentException("No provider gives " + event);
    }
    return json;
  }

  /** Chat events in the form of the golden files. */
  public static ArrayNode json(List<ChatEvent> events) {
    ArrayNode list = Json.array();
    events.forEach(event -> list.add(json(event)));
    return list;
  }
}
