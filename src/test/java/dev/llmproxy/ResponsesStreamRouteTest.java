package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.PlayedProvider;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Streams of providers, played through the gateway: a chat, a whole response and a streamed
 * response carry the same text, calls, usage and end. A few streams have golden files with the
 * exact bytes, except for ids and times.
 */
class ResponsesStreamRouteTest {
  private static final Path GOLDEN = Path.of("src/test/resources/fixtures/response-events");
  private static final int RANDOM_STREAMS = 150;

  private static PlayedProvider provider;
  private static Gateway gateway;
  private static String key;
  private static Responses responses;

  @BeforeAll
  static void start(@TempDir Path data) {
    provider = PlayedProvider.start();
    gateway = Gateway.start(data, Map.of("OPENAI_BASE_URL", provider.baseUrl()));
    key = gateway.createKey("played@example.com");
    responses = new Responses(gateway, key);
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
  }

  /**
   * What an answer says.
   *
   * @param calls names and arguments, sorted: a call whose first piece comes early is an early item
   * @param end the finish reason, or {@code failed}
   */
  private record Said(
      String text,
      String refusal,
      String thoughts,
      List<String> calls,
      List<Integer> usage,
      String end) {
    Said {
      calls = calls.stream().sorted().toList();
    }

    static Said failed() {
      return new Said("", "", "", List.of(), List.of(), "failed");
    }
  }

  static Stream<String> recorded() {
    return Fixtures.cases("streams", ".openai.sse").stream();
  }

  @Wire("11.same")
  @ParameterizedTest
  @MethodSource("recorded")
  void chatsAndResponsesSayTheSameForRecordedStreams(String name) {
    check(Fixtures.bytes("streams/" + name + ".openai.sse"));
  }

  static IntStream seeds() {
    return IntStream.range(0, RANDOM_STREAMS);
  }

  @Wire("11.same")
  @ParameterizedTest
  @MethodSource("seeds")
  void chatsAndResponsesSayTheSameForRandomStreams(int seed) {
    check(randomStream(new Random(seed)).getBytes(StandardCharsets.UTF_8));
  }

  private static void check(byte[] stream) {
    provider.play(List.of(played(stream)));
    Said chat = chat();
    Said whole = response(false);
    Said streamed = response(true);

    assertThat(whole).isEqualTo(chat);
    assertThat(streamed).isEqualTo(chat);
  }

  private static byte[] played(byte[] stream) {
    byte[] head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            .getBytes(StandardCharsets.US_ASCII);
    byte[] all = Arrays.copyOf(head, head.length + stream.length);
    System.arraycopy(stream, 0, all, head.length, stream.length);
    return all;
  }

  private static Said chat() {
    HttpResponse<String> answer = gateway.chat(key, Responses.MODEL, false, "hi");
    if (answer.statusCode() != 200) {
      return Said.failed();
    }
    JsonNode json = Gateway.json(answer);
    JsonNode choice = json.at("/choices/0");
    JsonNode message = choice.path("message");
    List<String> calls = new ArrayList<>();
    for (JsonNode call : message.path("tool_calls")) {
      calls.add(call.at("/function/name").asText() + call.at("/function/arguments").asText());
    }
    String end = choice.path("finish_reason").asText();
    JsonNode usage = json.path("usage");
    String thoughts = message.path("reasoning_content").asText("");
    return new Said(
        message.path("content").asText(""),
        message.path("refusal").asText(""),
        thoughts.isEmpty() ? message.path("reasoning").asText("") : thoughts,
        calls,
        List.of(usage.path("prompt_tokens").asInt(), usage.path("completion_tokens").asInt()),
        List.of("length", "content_filter").contains(end) ? end : "complete");
  }

  private static Said response(boolean stream) {
    ObjectNode request = Responses.request("hi").put("stream", stream);
    request.putObject("reasoning").put("summary", "auto");
    HttpResponse<String> answer = responses.post(request);
    if (answer.statusCode() != 200) {
      return Said.failed();
    }
    JsonNode response;
    if (stream) {
      List<JsonNode> events = Responses.events(answer.body());
      if (Responses.type(events.getLast()).equals("response.failed")) {
        return Said.failed();
      }
      response = Responses.collected(events);
    } else {
      response = Gateway.json(answer);
    }
    return said(response);
  }

  private static Said said(JsonNode response) {
    StringBuilder text = new StringBuilder();
    StringBuilder refusal = new StringBuilder();
    StringBuilder thoughts = new StringBuilder();
    List<String> calls = new ArrayList<>();
    for (JsonNode item : response.path("output")) {
      for (JsonNode part : item.path("content")) {
        text.append(part.path("text").asText(""));
        refusal.append(part.path("refusal").asText(""));
      }
      item.path("summary").forEach(part -> thoughts.append(part.path("text").asText("")));
      if (item.path("type").asText().equals("function_call")) {
        calls.add(item.path("name").asText() + item.path("arguments").asText());
      }
    }
    String cut = response.at("/incomplete_details/reason").asText("");
    JsonNode usage = response.path("usage");
    return new Said(
        text.toString(),
        refusal.toString(),
        thoughts.toString(),
        calls,
        List.of(usage.path("input_tokens").asInt(), usage.path("output_tokens").asInt()),
        cut.isEmpty() ? "complete" : cut.replace("max_output_tokens", "length"));
  }

  /** Texts, thoughts, a refusal and calls in any order; the pieces of calls are mixed. */
  private static String randomStream(Random random) {
    List<ObjectNode> deltas = new ArrayList<>();
    List<List<ObjectNode>> calls = new ArrayList<>();
    for (int call = 0; call < random.nextInt(4); call++) {
      calls.add(fragments(call, random));
    }
    while (deltas.size() < 3 + random.nextInt(12)
        || calls.stream().anyMatch(list -> !list.isEmpty())) {
      ObjectNode delta = Json.object();
      switch (random.nextInt(6)) {
        case 0 -> delta.put("reasoning_content", "thought" + random.nextInt(10) + " ");
        case 1 -> delta.put("refusal", random.nextInt(4) == 0 ? "no " : "");
        case 2, 3 -> delta.put("content", "wörd" + random.nextInt(10) + " \n\n");
        default -> {
          List<ObjectNode> call =
              calls.isEmpty() ? List.of() : calls.get(random.nextInt(calls.size()));
          if (!call.isEmpty()) {
            delta.putArray("tool_calls").add(call.removeFirst());
          }
        }
      }
      deltas.add(delta);
    }
    StringBuilder stream = new StringBuilder();
    deltas.forEach(delta -> stream.append(event(delta, null)));
    String[] reasons = {"stop", "tool_calls", "length", "content_filter"};
    stream.append(event(Json.object(), reasons[random.nextInt(reasons.length)]));
    stream.append(
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],"
            + "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7,\"total_tokens\":17}}\n\n");
    return stream.append("data: [DONE]\n\n").toString();
  }

  private static List<ObjectNode> fragments(int index, Random random) {
    List<ObjectNode> fragments = new ArrayList<>();
    ObjectNode first =
        Json.object().put("index", index).put("id", "call_" + index).put("type", "function");
    first.putObject("function").put("name", "tool_" + index).put("arguments", "");
    fragments.add(first);
    String arguments = "{\"text\":\"value " + random.nextInt(1000) + "\"}";
    for (int at = 0; at < arguments.length(); ) {
      int end = Math.min(arguments.length(), at + 1 + random.nextInt(8));
      ObjectNode fragment = Json.object().put("index", index);
      fragment.putObject("function").put("arguments", arguments.substring(at, end));
      fragments.add(fragment);
      at = end;
    }
    return fragments;
  }

  private static String event(ObjectNode delta, String reason) {
    ObjectNode chunk =
        Json.object()
            .put("id", "c")
            .put("object", "chat.completion.chunk")
            .put("created", 1)
            .put("model", "m");
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
    choice.set("delta", delta);
    choice.put("finish_reason", reason);
    return "data: " + Json.text(chunk) + "\n\n";
  }

  @Wire({"11.stream", "11.message", "11.calls"})
  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain",
        "tool-calls",
        "reasoning",
        "refusal",
        "finish-reason-length",
        "error-event"
      })
  void streamsHaveTheirExactBytes(String name) throws IOException {
    provider.play(List.of(played(Fixtures.bytes("streams/" + name + ".openai.sse"))));
    ObjectNode request = Responses.request("hi").put("stream", true);
    request.putObject("reasoning").put("summary", "auto");
    String actual = withoutIds(responses.post(request).body());
    Path file = GOLDEN.resolve(name + ".openai.sse");
    String expected = Files.exists(file) ? Files.readString(file) : "";

    if (!actual.equals(expected) && Golden.ofThisRun().write()) {
      Files.writeString(file, actual);
      throw new AssertionError(file + " was written; review it with git diff");
    }
    assertThat(actual).as("%s; if it is right, run: make golden", file).isEqualTo(expected);
  }

  private static String withoutIds(String body) {
    return body.replaceAll("(resp|msg|fc|rs)_[0-9a-f]{24}", "$1_ID")
        .replaceAll("\"(created_at|completed_at)\":\\d+", "\"$1\":0");
  }
}
