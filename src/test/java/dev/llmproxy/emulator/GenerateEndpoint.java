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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Gemini's {@code generateContent}, {@code streamGenerateContent} and {@code batchEmbedContents}:
 * refuses what the real API refuses, and plays the script of the last user content in the
 * documented form.
 */
final class GenerateEndpoint {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern PATH =
      Pattern.compile("/v1beta/models/([^/:?]+):(\\w+)(\\?alt=sse)?");
  private static final int CACHED = 7;
  private static final int MOST_EMBEDDINGS = 100;

  private final RecordedRequest request;
  private final Semaphore releases;
  private String model;
  private Script script;
  private Answer answer;

  GenerateEndpoint(RecordedRequest request, Semaphore releases) {
    this.request = request;
    this.releases = releases;
  }

  void answer(HttpConnection connection) throws IOException {
    Matcher path = PATH.matcher(request.path());
    if (request.header("x-goog-api-key").isEmpty() || !path.matches()) {
      connection.respond(error(404, "NOT_FOUND", "Unknown path or missing x-goog-api-key", null));
      return;
    }
    model = path.group(1);
    if (path.group(2).equals("batchEmbedContents")) {
      connection.respond(embeddings());
      return;
    }
    try {
      GenerateRules.check(request.body(), model);
    } catch (IllegalArgumentException e) {
      connection.respond(error(400, "INVALID_ARGUMENT", e.getMessage(), null));
      return;
    }
    RecordedRequest asked = inOpenAiForm();
    script = Script.of(model, asked.lastMessageOf("user"));
    answer = Answer.to(asked, script, new Answer.Head("scripted", 0, model));
    connection.pause(Duration.ofMillis(script.number(Directive.TTFT, 0)));
    if (script.has(Directive.HANGUP)) {
      connection.hangUp(script.number(Directive.HANGUP, 1) == 1);
    } else if (script.has(Directive.BODY) || script.has(Directive.HTML)) {
      connection.respond(Refusal.of(script));
    } else if (script.has(Directive.STATUS)) {
      connection.respond(
          error(
              script.number(Directive.STATUS, 400),
              "SCRIPTED",
              "Scripted failure",
              script.text(Directive.RETRY_AFTER).orElse(null)));
    } else if (path.group(2).equals("streamGenerateContent")) {
      stream(new EventWriter(connection, script, "\r\n"));
    } else {
      connection.respond(Reply.json(response(allParts(), finishReason())));
    }
  }

  private static Reply error(int status, String name, String message, String wait) {
    ObjectNode body = JSON.createObjectNode();
    ObjectNode error = body.putObject("error").put("code", status).put("message", message);
    error.put("status", name);
    if (wait != null) {
      error
          .putArray("details")
          .addObject()
          .put("@type", "type.googleapis.com/google.rpc.RetryInfo")
          .put("retryDelay", wait + "s");
    }
    return Reply.of(status, "application/json", body.toString());
  }

  private Reply embeddings() {
    JsonNode requests = request.body().path("requests");
    if (requests.isEmpty() || requests.size() > MOST_EMBEDDINGS) {
      return error(400, "INVALID_ARGUMENT", "at most 100 requests can be in one batch", null);
    }
    ObjectNode body = JSON.createObjectNode();
    ArrayNode list = body.putArray("embeddings");
    for (JsonNode each : requests) {
      if (!each.path("model").asText().equals("models/" + model)
          || each.path("content").path("parts").size() != 1) {
        return error(400, "INVALID_ARGUMENT", "requests.model or content is wrong", null);
      }
      ArrayNode values = list.addObject().putArray("values");
      int length = each.path("content").path("parts").path(0).path("text").asText().length();
      int dimensions = each.path("outputDimensionality").asInt(3);
      for (int i = 0; i < dimensions; i++) {
        values.add(i == 0 ? length : i * 0.5);
      }
    }
    return Reply.json(body);
  }

  // --- the answer

  private void stream(EventWriter events) throws IOException {
    events.start();
    List<ArrayNode> pieces = pieces();
    for (int sent = 0; sent <= pieces.size(); sent++) {
      if (!due(events, sent)) {
        return;
      }
      boolean last = sent == pieces.size();
      events.send(
          response(last ? JSON.createArrayNode() : pieces.get(sent), last ? finishReason() : null)
              .toString());
    }
    events.end();
  }

  /** Causes the failures that are due; returns whether the stream goes on. */
  private boolean due(EventWriter events, int sent) throws IOException {
    if (script.number(Directive.ERROR, Integer.MAX_VALUE) == sent) {
      // Gemini ends such a stream with an error that is no event.
      events.raw(
          """
          {
            "error": {
              "code": 503,
              "message": "The model is overloaded.",
              "status": "UNAVAILABLE"
            }
          }
          """);
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

  private String finishReason() {
    return script.text(Directive.FINISH).orElse("STOP");
  }

  private ObjectNode response(ArrayNode parts, String finishReason) {
    ObjectNode response = JSON.createObjectNode();
    ObjectNode candidate = response.putArray("candidates").addObject().put("index", 0);
    if (!parts.isEmpty()) {
      candidate.putObject("content").put("role", "model").set("parts", parts);
    }
    if (finishReason != null) {
      candidate.put("finishReason", finishReason);
    }
    int thoughts = answer.reasoning().size();
    int said = answer.words().size() + calls().size();
    ObjectNode usage = response.putObject("usageMetadata");
    usage.put("promptTokenCount", answer.promptTokens() + CACHED);
    usage.put("cachedContentTokenCount", CACHED).put("candidatesTokenCount", said);
    usage.put("thoughtsTokenCount", thoughts);
    usage.put("totalTokenCount", answer.promptTokens() + CACHED + said + thoughts);
    return response.put("modelVersion", model);
  }

  private ArrayNode allParts() {
    ArrayNode all = JSON.createArrayNode();
    pieces().forEach(all::addAll);
    return all;
  }

  private List<ArrayNode> pieces() {
    List<ArrayNode> pieces = new ArrayList<>();
    for (String word : answer.reasoning()) {
      ArrayNode piece = JSON.createArrayNode();
      piece.addObject().put("text", word).put("thought", true);
      pieces.add(piece);
    }
    for (String word : answer.words()) {
      ArrayNode piece = JSON.createArrayNode();
      piece.addObject().put("text", word);
      pieces.add(piece);
    }
    pieces.addAll(calls());
    return pieces;
  }

  private List<ArrayNode> calls() {
    List<ArrayNode> calls = new ArrayList<>();
    for (Answer.ToolCall call : answer.toolCalls()) {
      ArrayNode piece = JSON.createArrayNode();
      ObjectNode part = piece.addObject();
      JsonNode arguments = arguments(call);
      part.putObject("functionCall").put("name", call.name()).set("args", arguments);
      if (calls.isEmpty()) {
        part.put(
            "thoughtSignature", GenerateRules.signature(model, call.name(), arguments.toString()));
      }
      calls.add(piece);
    }
    return calls;
  }

  private static JsonNode arguments(Answer.ToolCall call) {
    try {
      return JSON.readTree(call.arguments());
    } catch (IOException e) {
      throw new IllegalArgumentException("a call's arguments are " + call.arguments(), e);
    }
  }

  // --- the request in OpenAI's form, from which the script makes its answer

  private RecordedRequest inOpenAiForm() {
    ObjectNode body = JSON.createObjectNode().put("model", model);
    ArrayNode messages = body.putArray("messages");
    for (JsonNode content : request.body().path("contents")) {
      StringBuilder text = new StringBuilder();
      ArrayNode calls = JSON.createArrayNode();
      boolean results = false;
      for (JsonNode part : content.path("parts")) {
        text.append(part.path("text").asText(""));
        if (part.has("functionCall")) {
          calls.add(part);
        }
        if (part.has("functionResponse")) {
          JsonNode response = part.path("functionResponse").path("response");
          String said = response.path("output").asText(response.path("error").asText());
          messages.addObject().put("role", "tool").put("content", said);
          results = true;
        }
      }
      if (!results) {
        boolean user = content.path("role").asText().equals("user");
        ObjectNode said = messages.addObject().put("role", user ? "user" : "assistant");
        said.put("content", text.toString());
        if (!calls.isEmpty()) {
          said.set("tool_calls", calls);
        }
      }
    }
    ArrayNode tools = body.putArray("tools");
    for (JsonNode declaration : request.body().path("tools").path(0).path("functionDeclarations")) {
      tools.addObject().putObject("function").put("name", declaration.path("name").asText());
    }
    JsonNode schema = request.body().path("generationConfig").path("responseJsonSchema");
    if (schema.isObject()) {
      body.putObject("response_format").putObject("json_schema").set("schema", schema);
    }
    return new RecordedRequest(request.method(), request.path(), request.headers(), body);
  }
}
