package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.tool.Tool;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The forms in which providers stream tool calls. */
class TurnEventsTest {
  private static final String REQUEST =
      """
      {"model":"groq/m","stream":true,"messages":[{"role":"user","content":"hi"}],
       "tools":[{"type":"function","function":{"name":"own","parameters":{}}}]}
      """;
  private static final Tool TOOL = new Tool("find", "Finds.", Json.object().put("type", "object"));

  private final ChatCall chat = chat(ToolNotices.HYBRID);

  @Test
  void serverCallWithALateNameIsRecognized() throws Exception {
    List<ChatEvent> events =
        run(
            chat,
            calls("{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"{\"}}"),
            calls("{\"index\":0,\"function\":{\"name\":\"find\",\"arguments\":\"}\"}}"),
            finish("tool_calls"));

    assertThat(shown(events)).isEmpty();
    assertThat(chat.turns().next()).isEqualTo(Turns.Step.RUN_TOOLS);
    assertThat(chat.turns().asked().getFirst().arguments()).isEqualTo("{}");
  }

  @Test
  void clientCallWithALateNameKeepsAllArguments() throws Exception {
    List<ChatEvent> events =
        run(
            chat,
            calls("{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"{\"}}"),
            calls("{\"index\":0,\"function\":{\"name\":\"own\",\"arguments\":\"}\"}}"),
            finish("tool_calls"));

    assertThat(collated(events).at("/0/message/tool_calls/0/function").toString())
        .isEqualTo("{\"name\":\"own\",\"arguments\":\"{}\"}");
    assertThat(chat.turns().next()).isEqualTo(Turns.Step.NOTHING);
  }

  @Test
  void clientCallsAreNumberedWithoutServerCalls() throws Exception {
    List<ChatEvent> events =
        run(
            chat,
            calls(
                "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"find\",\"arguments\":\"{}\"}}",
                "{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"own\",\"arguments\":\"{}\"}}"),
            finish("tool_calls"));

    assertThat(shown(events)).hasSize(1);
    assertThat(shown(events).getFirst().path("index").asInt()).isZero();
    assertThat(shown(events).getFirst().path("id").asText()).isEqualTo("b");
    assertThat(events).noneMatch(ChatEvent.Complete.class::isInstance);
    assertThat(chat.turns().finish().at("/choices/0/finish_reason").asText())
        .isEqualTo("tool_calls");
  }

  @Test
  void textInTheChunkOfACallOrOfTheEndIsNotLost() throws Exception {
    ObjectNode both = calls("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"find\"}}");
    ((ObjectNode) both.at("/choices/0/delta")).put("content", "one ");
    ObjectNode last = finish("tool_calls");
    ((ObjectNode) last.at("/choices/0/delta")).put("content", "two");

    List<ChatEvent> events = run(chat, both, last);

    assertThat(collated(events).at("/0/message/content").asText()).isEqualTo("one two");
    assertThat(finishReasons(events)).isEmpty();
  }

  @Test
  void bareNotificationsShowServerCallsBetweenClientCalls() throws Exception {
    ChatCall bare = chat(ToolNotices.BARE);

    List<ChatEvent> events =
        run(
            bare,
            calls(
                "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"find\",\"arguments\":\"{}\"}}",
                "{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"own\",\"arguments\":\"{}\"}}"),
            finish("tool_calls"));

    assertThat(events.get(1)).isInstanceOf(ChatEvent.ServerToolDelta.class);
    JsonNode servers = ((ChatEvent.ServerToolDelta) events.get(1)).chunk();
    assertThat(servers.at("/choices/0/delta/tool_calls/0/index").asInt()).isZero();
    assertThat(shown(events).getFirst().path("index").asInt()).isEqualTo(1);
  }

  @Test
  void hiddenPiecesCountAsUsage() throws Exception {
    chat.turns().begin(0);

    run(
        chat,
        calls("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"find\",\"arguments\":\"{}\"}}"));

    assertThat(Usage.estimate(chat).path("completion_tokens").asInt()).isEqualTo(1);
  }

  private static ChatCall chat(ToolNotices notices) {
    ChatCall plain = Fixtures.chat(REQUEST.getBytes(StandardCharsets.UTF_8));
    ObjectNode body = plain.request().body().deepCopy();
    body.withArray("tools").add(TOOL.asOpenAi());
    return new ChatCall(
        "req_1",
        new Caller("a@example.com", "Key", "00", "free"),
        plain.request(),
        plain.attempts(),
        Instant.EPOCH,
        new Accumulator(),
        new Turns(new ServerTools(body, Map.of("find", TOOL), null, Map.of())),
        notices);
  }

  private static List<ChatEvent> run(ChatCall chat, ObjectNode... chunks) {
    List<ChatEvent> given = new ArrayList<>();
    for (ObjectNode chunk : chunks) {
      given.add(new ChatEvent.Delta(chunk));
    }
    given.add(new ChatEvent.Complete(Usage.of(1, 1)));
    Iterator<ChatEvent> provider = given.iterator();
    ChatEvents turn =
        new TurnEvents(
            new ChatEvents() {
              @Override
              public boolean hasNext() {
                return provider.hasNext();
              }

              @Override
              public ChatEvent next() {
                return provider.next();
              }

              @Override
              public void close() {}
            },
            chat,
            new ToolMemory());
    List<ChatEvent> events = new ArrayList<>();
    while (turn.hasNext()) {
      ChatEvent event = turn.next();
      chat.accumulator().add(event);
      events.add(event);
    }
    return events;
  }

  private static ObjectNode calls(String... fragments) throws Exception {
    ObjectNode chunk = chunk();
    ObjectNode delta = ((ObjectNode) chunk.at("/choices/0")).putObject("delta");
    for (String fragment : fragments) {
      delta.withArray("tool_calls").add(Json.parse(fragment));
    }
    return chunk;
  }

  private static ObjectNode finish(String reason) {
    ObjectNode chunk = chunk();
    ((ObjectNode) chunk.at("/choices/0")).put("finish_reason", reason).putObject("delta");
    return chunk;
  }

  private static ObjectNode chunk() {
    ObjectNode chunk =
        Json.object()
            .put("id", "chatcmpl-1")
            .put("object", "chat.completion.chunk")
            .put("created", 1)
            .put("model", "groq/m");
    chunk.putArray("choices").addObject().put("index", 0).putNull("finish_reason");
    return chunk;
  }

  private static List<JsonNode> shown(List<ChatEvent> events) {
    List<JsonNode> shown = new ArrayList<>();
    for (ChatEvent event : events) {
      if (event instanceof ChatEvent.Delta delta) {
        delta.chunk().at("/choices/0/delta/tool_calls").forEach(shown::add);
      }
    }
    return shown;
  }

  private static JsonNode collated(List<ChatEvent> events) {
    Accumulator accumulator = new Accumulator();
    events.forEach(accumulator::add);
    return accumulator.choices();
  }

  private static List<String> finishReasons(List<ChatEvent> events) {
    return events.stream()
        .filter(ChatEvent.Delta.class::isInstance)
        .map(event -> ((ChatEvent.Delta) event).chunk().at("/choices/0/finish_reason"))
        .filter(JsonNode::isTextual)
        .map(JsonNode::asText)
        .toList();
  }
}
