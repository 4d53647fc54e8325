package dev.llmproxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.provider.Damage;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Streams of providers as streams of POST /v1/messages: byte for byte for some, and for all of them
 * the same answer as other clients get.
 */
class MessagesStreamRouteTest {
  private static final Map<String, String> MODELS =
      Map.of("openai", "openai/scripted", "gemini", "gemini/gemini-3.6-flash");

  private static final String FOLDER = "messages/streams/";
  private static final Pattern ID = Pattern.compile("\"id\":\"msg_[0-9a-f]+\"");
  private static final Pattern REQUEST_ID = Pattern.compile("\"req_[0-9a-f]+\"");
  private static final Pattern CALL_ID = Pattern.compile("\"id\":\"call_req_[0-9a-f]+_");
  private static final Pattern SIGNATURE =
      Pattern.compile("\"signature_delta\",\"signature\":\"[^\"]+\"");

  /** The provider may have reported its usage before the first event is sent, or not. */
  private static final Pattern EARLY_USAGE =
      Pattern.compile("(\"stop_sequence\":null,\"usage\":\\{\"input_tokens\":)[1-9]\\d*");

  /** The words of texts that are sent in pieces of a few characters. */
  private static final String WORDS = "Grüße aus 世界 👋🏽 — \"quoted\", \\ and\nnew lines. ";

  private static PlayedProvider provider;
  private static Gateway gateway;
  private static String key;
  private static MessageChats chats;

  @BeforeAll
  static void start(@TempDir Path data) {
    provider = PlayedProvider.start();
    gateway =
        Gateway.start(
            data,
            Map.of(
                "OPENAI_BASE_URL",
                provider.baseUrl(),
                "GEMINI_BASE_URL",
                provider.baseUrl(),
                "GEMINI_API_KEY",
                "own-secret"));
    key = gateway.createKey("streams@example.com");
    chats = new MessageChats(gateway, key);
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
  }

  @Wire({"12.events", "12.blocks", "12.failed"})
  @ParameterizedTest
  @ValueSource(
      strings = {
        "streams/plain.openai",
        "streams/reasoning.openai",
        "streams/refusal.openai",
        "streams/tool-calls.openai",
        "streams/tool-calls-after-text.openai",
        "streams/tool-calls-without-id-or-index.openai",
        "streams/tool-calls-that-all-claim-index-0-in-one-chunk.openai",
        "streams/tool-arguments-as-an-object.openai",
        "streams/finish-reason-length.openai",
        "streams/finish-reason-content-filter.openai",
        "streams/usage-never-reported.openai",
        "streams/groq.openai",
        "streams/unknown-fields.openai",
        "streams/two-choices.openai",
        "streams/error-object.openai",
        "streams/ends-without-finish.openai"
      })
  void theStreamHasTheseBytes(String name) {
    String format = name.substring(name.lastIndexOf('.') + 1);
    provider.play(List.of(answer(Fixtures.bytes(name + ".sse"))));

    String body = chats.post(request(format).put("stream", true)).body();

    String redacted = ID.matcher(body).replaceAll("\"id\":\"msg_ID\"");
    redacted = REQUEST_ID.matcher(redacted).replaceAll("\"req_ID\"");
    redacted = CALL_ID.matcher(redacted).replaceAll("\"id\":\"call_req_ID_");
    redacted =
        SIGNATURE.matcher(redacted).replaceAll("\"signature_delta\",\"signature\":\"SEALED\"");
    redacted = EARLY_USAGE.matcher(redacted).replaceFirst("$1NUMBER");
    Fixtures.check(FOLDER + name.substring(name.indexOf('/') + 1) + ".sse", redacted);
  }

  static Stream<String> streams() {
    return Stream.concat(
        Fixtures.cases("streams", ".openai.sse").stream()
            .map(name -> "streams/" + name + ".openai.sse"),
        Fixtures.cases("gemini/streams", ".sse").stream()
            .map(name -> "gemini/streams/" + name + ".sse"));
  }

  @Wire("12.same")
  @ParameterizedTest
  @MethodSource("streams")
  void everyClientGetsTheSameAnswer(String file) {
    String format = file.startsWith("gemini") ? "gemini" : "openai";
    byte[] stream = Fixtures.bytes(file);
    assertSame(file, format, stream);
    Damage damage = new Damage(file.hashCode());
    for (int i = 0; i < 3; i++) {
      byte[] damaged = damage.applyTo(stream);
      assertSame(file + ", damaged: " + new String(damaged, UTF_8), format, damaged);
    }
  }

  @Wire("12.same")
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void everyClientGetsTheSameAnswerWhateverTheOrderOfItsPieces(long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < 15; i++) {
      String stream = anyStream(random);
      assertSame(stream, "openai", stream.getBytes(UTF_8));
    }
  }

  private static void assertSame(String what, String format, byte[] stream) {
    provider.play(List.of(answer(stream)));
    HttpResponse<String> chat = gateway.chat(key, MODELS.get(format), false, "Hello");
    HttpResponse<String> whole = chats.post(request(format));
    HttpResponse<String> streamed = chats.post(request(format).put("stream", true));

    assertThat(whole.statusCode()).as(what).isEqualTo(chat.statusCode());
    if (chat.statusCode() != 200) {
      assertThat(Gateway.json(whole).path("type").asText()).isEqualTo("error");
      boolean begun = streamed.statusCode() == 200;
      JsonNode failure =
          begun ? MessageChats.events(streamed.body()).getLast().json() : Gateway.json(streamed);
      assertThat(failure.path("type").asText()).as(what).isEqualTo("error");
      assertThat(failure.at("/error/message")).isEqualTo(Gateway.json(whole).at("/error/message"));
      return;
    }
    JsonNode expected = ofChat(Gateway.json(chat));
    assertThat(ofMessage(Gateway.json(whole))).as(what).isEqualTo(expected);
    assertThat(streamed.statusCode()).as(what).isEqualTo(200);
    assertThat(ofMessage(MessageChats.collated(MessageChats.events(streamed.body()))))
        .as(what)
        .isEqualTo(expected);
  }

  private static ObjectNode request(String format) {
    ObjectNode request = MessageChats.request("Hello").put("model", MODELS.get(format));
    request.putObject("thinking").put("type", "enabled").put("budget_tokens", 8000);
    return request;
  }

  /** What both formats say: texts, calls, usage and the reason of the end. */
  private static JsonNode ofChat(JsonNode completion) {
    JsonNode choice = completion.at("/choices/0");
    JsonNode message = choice.path("message");
    ObjectNode answer = Json.object();
    String reasoning = message.path("reasoning_content").asText("");
    answer.put("thinking", reasoning.isEmpty() ? message.path("reasoning").asText("") : reasoning);
    answer.put("text", message.path("content").asText("") + message.path("refusal").asText(""));
    ArrayNode calls = answer.putArray("calls");
    for (JsonNode call : message.path("tool_calls")) {
      calls
          .addObject()
          .put("name", call.at("/function/name").asText())
          .set("input", input(call.at("/function/arguments").asText("")));
    }
    boolean refused = message.path("refusal").isTextual();
    answer.put(
        "stop",
        switch (choice.path("finish_reason").asText()) {
          case "length" -> "max_tokens";
          case "tool_calls", "function_call" -> "tool_use";
          case "content_filter" -> "refusal";
          default -> refused ? "refusal" : "end_turn";
        });
    JsonNode usage = completion.path("usage");
    answer.put("prompt", usage.path("prompt_tokens").asLong());
    answer.put("completion", usage.path("completion_tokens").asLong());
    return answer;
  }

  private static JsonNode ofMessage(JsonNode message) {
    MessageChats.checkMessage(message);
    ObjectNode answer = Json.object();
    StringBuilder thinking = new StringBuilder();
    StringBuilder text = new StringBuilder();
    ArrayNode calls = Json.array();
    for (JsonNode block : message.path("content")) {
      switch (block.path("type").asText()) {
        case "thinking" -> thinking.append(block.path("thinking").asText());
        case "text" -> text.append(block.path("text").asText());
        case "tool_use" ->
            calls
                .addObject()
                .put("name", block.path("name").asText())
                .set("input", block.path("input"));
        default -> throw new AssertionError(block);
      }
    }
    answer.put("thinking", thinking.toString()).put("text", text.toString());
    answer.set("calls", calls);
    answer.put("stop", message.path("stop_reason").asText());
    JsonNode usage = message.path("usage");
    answer.put(
        "prompt",
        usage.path("input_tokens").asLong()
            + usage.path("cache_creation_input_tokens").asLong()
            + usage.path("cache_read_input_tokens").asLong());
    answer.put("completion", usage.path("output_tokens").asLong());
    return answer;
  }

  private static JsonNode input(String arguments) {
    try {
      JsonNode json = Json.parse(arguments);
      return json.isObject() ? json : Json.object().put("input", arguments);
    } catch (JsonProcessingException e) {
      return Json.object().put("input", arguments);
    }
  }

  /** A stream of OpenAI's format with pieces of reasoning, text and calls in any order. */
  private static String anyStream(Random random) {
    List<ObjectNode> deltas = new ArrayList<>();
    List<List<String>> calls = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      calls.add(pieces(Json.text(Json.object().put("location", WORDS).put("n", i)), random));
    }
    List<Integer> begun = new ArrayList<>();
    for (int i = random.nextInt(12); i > 0; i--) {
      switch (random.nextInt(3)) {
        case 0 ->
            pieces(WORDS, random)
                .forEach(piece -> deltas.add(Json.object().put("reasoning_content", piece)));
        case 1 ->
            pieces(WORDS, random).forEach(piece -> deltas.add(Json.object().put("content", piece)));
        default -> addCalls(deltas, calls, begun, random, 5);
      }
    }
    addCalls(deltas, calls, begun, random, Integer.MAX_VALUE);
    StringBuilder stream = new StringBuilder();
    deltas.addFirst(Json.object().put("role", "assistant").put("content", ""));
    deltas.forEach(delta -> stream.append(chunk(delta, null)));
    stream.append(chunk(Json.object(), calls.isEmpty() ? "stop" : "tool_calls"));
    int prompt = 10 + random.nextInt(100);
    return stream
        + "data: {\"id\":\"a\",\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":%d}}}\n\ndata: [DONE]\n\n"
            .formatted(prompt, 7, prompt + 7, random.nextInt(10));
  }

  /** Adds pieces of the calls, which take turns. */
  private static void addCalls(
      List<ObjectNode> deltas,
      List<List<String>> calls,
      List<Integer> begun,
      Random random,
      int most) {
    int left = most;
    while (left-- > 0 && calls.stream().anyMatch(pieces -> !pieces.isEmpty())) {
      int index = random.nextInt(calls.size());
      boolean next = index <= begun.size();
      if (!next || calls.get(index).isEmpty()) {
        continue;
      }
      ObjectNode delta = Json.object();
      ObjectNode call = delta.putArray("tool_calls").addObject().put("index", index);
      ObjectNode function = call.putObject("function");
      if (!begun.contains(index)) {
        begun.add(index);
        call.put("id", "call_" + index).put("type", "function");
        function.put("name", "get_weather");
      }
      function.put("arguments", calls.get(index).removeFirst());
      deltas.add(delta);
    }
  }

  private static List<String> pieces(String text, Random random) {
    List<String> pieces = new ArrayList<>();
    int from = 0;
    while (from < text.length()) {
      int to = Math.min(text.length(), from + 1 + random.nextInt(8));
      if (to < text.length() && Character.isLowSurrogate(text.charAt(to))) {
        to++;
      }
      pieces.add(text.substring(from, to));
      from = to;
    }
    return pieces;
  }

  private static String chunk(ObjectNode delta, String finish) {
    ObjectNode chunk = Json.object().put("id", "a").put("object", "chat.completion.chunk");
    chunk.put("created", 1_750_000_000).put("model", "m");
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
    choice.set("delta", delta);
    choice.put("finish_reason", finish);
    return "data: " + Json.text(chunk) + "\n\n";
  }

  private static byte[] answer(byte[] body) {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    answer.writeBytes(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            .getBytes(UTF_8));
    answer.writeBytes(body);
    return answer.toByteArray();
  }
}
