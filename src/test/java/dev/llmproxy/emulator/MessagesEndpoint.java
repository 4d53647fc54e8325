package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;

/**
 * Anthropic's {@code POST /v1/messages}: refuses what the real API refuses, and plays the script of
 * the last user message in the documented form.
 */
final class MessagesEndpoint {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FRAGMENT = 5;
  private static final int CACHED = 7;

  private final RecordedRequest request;
  private final Semaphore releases;
  private Script script;
  private Answer answer;

  MessagesEndpoint(RecordedRequest request, Semaphore releases) {
    this.request = request;
    this.releases = releases;
  }

  void answer(HttpConnection connection) throws IOException {
    String refusal = refusal();
    if (refusal != null) {
      connection.respond(error(400, "invalid_request_error", refusal));
      return;
    }
    RecordedRequest asked = inOpenAiForm();
    script = Script.of(asked.model(), asked.lastMessageOf("user"));
    answer = Answer.to(asked, script, new Answer.Head("msg_scripted", 0, asked.model()));
    connection.pause(Duration.ofMillis(script.number(Directive.TTFT, 0)));
    if (script.has(Directive.HANGUP)) {
      connection.hangUp(script.number(Directive.HANGUP, 1) == 1);
    } else if (script.has(Directive.BODY) || script.has(Directive.HTML)) {
      connection.respond(Refusal.of(script));
    } else if (script.has(Directive.STATUS)) {
      connection.respond(scripted(script.number(Directive.STATUS, 400)));
    } else if (request.wantsStream()) {
      stream(new EventWriter(connection, script));
    } else {
      connection.respond(Reply.json(message()));
    }
  }

  private String refusal() {
    if (request.header("x-api-key").isEmpty() || !request.header("authorization").isEmpty()) {
      return "x-api-key header is required";
    }
    if (!request.header("anthropic-version").equals("2023-06-01")) {
      return "anthropic-version: header is required";
    }
    try {
      MessagesRules.check(request.body());
      return null;
    } catch (IllegalArgumentException e) {
      return e.getMessage();
    }
  }

  private Reply scripted(int status) {
    String type =
        switch (status) {
          case 401 -> "authentication_error";
          case 402 -> "billing_error";
          case 403 -> "permission_error";
          case 404 -> "not_found_error";
          case 413 -> "request_too_large";
          case 429 -> "rate_limit_error";
          case 504 -> "timeout_error";
          case 529 -> "overloaded_error";
          default -> status < 500 ? "invalid_request_error" : "api_error";
        };
    Reply reply = error(status, type, "Scripted failure with status " + status);
    return script
        .text(Directive.RETRY_AFTER)
        .map(seconds -> reply.with("retry-after", seconds))
        .orElse(reply);
  }

  private static Reply error(int status, String type, String message) {
    ObjectNode body = JSON.createObjectNode().put("type", "error");
    body.putObject("error").put("type", type).put("message", message);
    body.put("request_id", "req_scripted");
    return Reply.of(status, "application/json", body.toString());
  }

  // --- the answer

  private void stream(EventWriter events) throws IOException {
    events.start();
    ObjectNode start = JSON.createObjectNode().put("type", "message_start");
    ObjectNode empty = message();
    empty.putArray("content");
    empty.putNull("stop_reason");
    ((ObjectNode) empty.path("usage")).put("output_tokens", 1).remove("output_tokens_details");
    start.set("message", empty);
    events.send("message_start", start.toString());
    events.send("ping", "{\"type\": \"ping\"}");
    int sent = 0;
    int index = 0;
    for (JsonNode block : content()) {
      ObjectNode begin = event("content_block_start", index);
      begin.set("content_block", begun(block));
      events.send("content_block_start", begin.toString());
      for (ObjectNode delta : deltas(block)) {
        if (!due(events, sent++)) {
          return;
        }
        ObjectNode event = event("content_block_delta", index);
        event.set("delta", delta);
        events.send("content_block_delta", event.toString());
      }
      events.send("content_block_stop", event("content_block_stop", index++).toString());
    }
    if (!due(events, sent)) {
      return;
    }
    ObjectNode end = JSON.createObjectNode().put("type", "message_delta");
    end.putObject("delta").put("stop_reason", stopReason()).putNull("stop_sequence");
    end.putObject("usage").put("output_tokens", outputTokens());
    events.send("message_delta", end.toString());
    events.send("message_stop", "{\"type\":\"message_stop\"}");
    events.end();
  }

  /** Causes the failures that are due; returns whether the stream goes on. */
  private boolean due(EventWriter events, int sent) throws IOException {
    if (script.number(Directive.ERROR, Integer.MAX_VALUE) == sent) {
      events.send(
          "error",
          "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}");
      events.end();
      return false;
    }
    for (Mishap mishap : Mishap.values()) {
      if (script.number(mishap.directive, Integer.MAX_VALUE) == sent && !mishap.strike(events)) {
        return false;
      }
    }
    if (script.number(Directive.HOLD, Integer.MAX_VALUE) == sent) {
      while (!releases.tryAcquire()) {
        events.pause(Duration.ofMillis(20));
      }
    }
    if (sent > 0) {
      events.pause(Duration.ofMillis(script.number(Directive.GAP, 0)));
    }
    return true;
  }

  private static ObjectNode event(String type, int index) {
    return JSON.createObjectNode().put("type", type).put("index", index);
  }

  private ObjectNode message() {
    ObjectNode message =
        JSON.createObjectNode()
            .put("id", answer.head().id())
            .put("type", "message")
            .put("role", "assistant")
            .put("model", answer.head().model());
    message.set("content", content());
    message.put("stop_reason", stopReason()).putNull("stop_sequence");
    ObjectNode usage = message.putObject("usage");
    usage.put("input_tokens", answer.promptTokens()).put("cache_read_input_tokens", CACHED);
    usage.put("cache_creation_input_tokens", 0).put("output_tokens", outputTokens());
    usage.putObject("output_tokens_details").put("thinking_tokens", answer.reasoning().size());
    return message;
  }

  private int outputTokens() {
    return answer.reasoning().size() + answer.words().size() + answer.toolCalls().size();
  }

  private String stopReason() {
    return script
        .text(Directive.FINISH)
        .orElse(content().findParents("input").isEmpty() ? "end_turn" : "tool_use");
  }

  private ArrayNode content() {
    ArrayNode content = JSON.createArrayNode();
    if (!answer.reasoning().isEmpty()) {
      String thinking = String.join("", answer.reasoning());
      content
          .addObject()
          .put("type", "thinking")
          .put("thinking", thinking)
          .put("signature", MessagesRules.signature(answer.head().model(), thinking));
      content.addObject().put("type", "redacted_thinking").put("data", "cmVkYWN0ZWQ=");
    }
    String forced = request.body().path("tool_choice").path("name").asText("");
    if (!forced.isEmpty() && answer.toolCalls().isEmpty()) {
      JsonNode schema = JSON.createObjectNode();
      for (JsonNode tool : request.body().path("tools")) {
        schema = tool.path("name").asText().equals(forced) ? tool.path("input_schema") : schema;
      }
      call(content, "toolu_forced", forced, Answer.objectFor(schema));
      return content;
    }
    if (!answer.words().isEmpty()) {
      content.addObject().put("type", "text").put("text", String.join("", answer.words()));
    }
    answer
        .toolCalls()
        .forEach(call -> call(content, "toolu_" + call.id(), call.name(), call.arguments()));
    return content;
  }

  private static void call(ArrayNode content, String id, String name, String arguments) {
    try {
      content
          .addObject()
          .put("type", "tool_use")
          .put("id", id)
          .put("name", name)
          .set("input", JSON.readTree(arguments));
    } catch (IOException e) {
      throw new IllegalArgumentException("a call's arguments are " + arguments, e);
    }
  }

  /** The block as it is in its start event. */
  private static ObjectNode begun(JsonNode block) {
    ObjectNode begun = block.deepCopy();
    switch (block.path("type").asText()) {
      case "text" -> begun.put("text", "");
      case "thinking" -> begun.put("thinking", "").put("signature", "");
      case "tool_use" -> begun.putObject("input");
      default -> {}
    }
    return begun;
  }

  private List<ObjectNode> deltas(JsonNode block) {
    List<ObjectNode> deltas = new ArrayList<>();
    switch (block.path("type").asText()) {
      case "text" -> answer.words().forEach(word -> deltas.add(delta("text_delta", "text", word)));
      case "thinking" -> {
        answer.reasoning().forEach(word -> deltas.add(delta("thinking_delta", "thinking", word)));
        deltas.add(delta("signature_delta", "signature", block.path("signature").asText()));
      }
      case "tool_use" -> {
        String input = block.path("input").isEmpty() ? "" : block.path("input").toString();
        deltas.add(delta("input_json_delta", "partial_json", ""));
        for (int from = 0; from < input.length(); from += FRAGMENT) {
          String piece = input.substring(from, Math.min(input.length(), from + FRAGMENT));
          deltas.add(delta("input_json_delta", "partial_json", piece));
        }
      }
      default -> {}
    }
    return deltas;
  }

  private static ObjectNode delta(String type, String field, String text) {
    return JSON.createObjectNode().put("type", type).put(field, text);
  }

  // --- the request in OpenAI's form, from which the script makes its answer

  private RecordedRequest inOpenAiForm() {
    ObjectNode body = JSON.createObjectNode().put("model", request.model());
    ArrayNode messages = body.putArray("messages");
    for (JsonNode message : request.body().path("messages")) {
      StringBuilder text = new StringBuilder();
      ArrayNode calls = JSON.createArrayNode();
      for (JsonNode block : message.path("content")) {
        switch (block.path("type").asText()) {
          case "tool_result" -> {
            StringBuilder result = new StringBuilder();
            block.path("content").forEach(part -> result.append(part.path("text").asText()));
            messages.addObject().put("role", "tool").put("content", result.toString());
          }
          case "tool_use" -> calls.add(block);
          case "text" -> text.append(block.path("text").asText());
          default -> {}
        }
      }
      boolean resultsOnly = message.path("role").asText().equals("user") && text.isEmpty();
      if (!resultsOnly) {
        ObjectNode said = messages.addObject().put("role", message.path("role").asText());
        said.put("content", text.toString());
        if (!calls.isEmpty()) {
          said.set("tool_calls", calls);
        }
      }
    }
    ArrayNode tools = body.putArray("tools");
    for (JsonNode tool : request.body().path("tools")) {
      tools.addObject().putObject("function").put("name", tool.path("name").asText());
    }
    JsonNode schema = request.body().path("output_config").path("format").path("schema");
    if (schema.isObject()) {
      body.putObject("response_format").putObject("json_schema").set("schema", schema);
    }
    return new RecordedRequest(request.method(), request.path(), request.headers(), body);
  }
}
