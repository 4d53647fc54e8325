package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.ledger.UsageRecord;
import java.math.BigDecimal;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The expected result of a provider's answer, from {@code <case>.expected.json}:
 *
 * <ul>
 *   <li>{@code text}, {@code reasoning}, {@code tool_calls} ({@code id}, {@code name}, {@code
 *       arguments}; an id may be left out) and {@code finish_reason} of a successful answer, or
 *   <li>{@code error} of a failed answer: {@code status} (without streaming, or before the stream
 *       began), {@code code}, and {@code words} of its message;
 *   <li>{@code tokens}: {@code in} and {@code out} of the ledger's row and of the client's usage;
 *   <li>{@code status} of the ledger's row;
 *   <li>{@code cost} of the ledger's row, in US dollars; may be left out;
 *   <li>{@code log}: words of one line of the log; may be left out.
 * </ul>
 */
record ExpectedAnswer(JsonNode json) {
  private static final Pattern EVENT_END = Pattern.compile("\n\n");

  static ExpectedAnswer of(JsonNode json) {
    return new ExpectedAnswer(json);
  }

  /**
   * Updates this expectation with a whole answer and its row. Fields that were left out stay out;
   * words and log lines stay if they still match.
   */
  ObjectNode updated(HttpResponse<String> response, UsageRecord row) {
    ObjectNode updated = Json.object();
    JsonNode answer = Gateway.json(response);
    if (response.statusCode() == 200) {
      JsonNode message = answer.at("/choices/0/message");
      putText(updated, "text", message.path("content").asText(""));
      putText(updated, "reasoning", message.path("reasoning_content").asText(""));
      putCalls(updated, message.path("tool_calls"));
      updated.set("finish_reason", answer.at("/choices/0/finish_reason"));
    } else {
      JsonNode error = answer.path("error");
      String message = error.path("message").asText();
      ObjectNode expected = updated.putObject("error").put("status", response.statusCode());
      expected.put("code", error.path("code").asText());
      JsonNode words = json.at("/error/words");
      if (!words.isArray() || !Stream.of(texts(words)).allMatch(message::contains)) {
        words = Json.array().add(message);
      }
      expected.set("words", words);
    }
    updated.putObject("tokens").put("in", row.tokensIn()).put("out", row.tokensOut());
    updated.put("status", row.status().name());
    if (json.has("cost")) {
      BigDecimal cost = new BigDecimal(json.path("cost").asText());
      boolean same = row.cost() != null && cost.compareTo(row.cost()) == 0;
      updated.put("cost", same ? json.path("cost").asText() : String.valueOf(row.cost()));
    }
    if (json.has("log")) {
      updated.set("log", json.get("log"));
    }
    return updated;
  }

  private void putText(ObjectNode updated, String field, String text) {
    if (json.has(field) || !text.isEmpty()) {
      updated.put(field, text);
    }
  }

  private void putCalls(ObjectNode updated, JsonNode calls) {
    if (!json.has("tool_calls") && calls.isEmpty()) {
      return;
    }
    ArrayNode list = updated.putArray("tool_calls");
    for (JsonNode call : calls) {
      JsonNode before = json.path("tool_calls").path(list.size());
      ObjectNode expected = list.addObject();
      if (before.isMissingNode() || before.has("id")) {
        expected.set("id", call.get("id"));
      }
      expected.set("name", call.at("/function/name"));
      expected.set("arguments", call.at("/function/arguments"));
    }
  }

  void check(String how, HttpResponse<String> response, boolean stream) {
    if (json.has("error")) {
      checkError(how, response);
      return;
    }
    assertThat(response.statusCode()).as(how).isEqualTo(200);
    JsonNode completion = stream ? collected(how, response.body()) : Gateway.json(response);
    JsonNode message = completion.at("/choices/0/message");
    assertThat(message.path("content").asText("")).as(how).isEqualTo(json.path("text").asText());
    assertThat(message.path("reasoning_content").asText(""))
        .as(how)
        .isEqualTo(json.path("reasoning").asText());
    checkCalls(how, message.path("tool_calls"));
    assertThat(completion.at("/choices/0/finish_reason"))
        .as(how)
        .isEqualTo(json.get("finish_reason"));
    assertThat(completion.at("/usage/prompt_tokens").asLong())
        .as(how)
        .isEqualTo(json.at("/tokens/in").asLong());
    assertThat(completion.at("/usage/completion_tokens").asLong())
        .as(how)
        .isEqualTo(json.at("/tokens/out").asLong());
    assertThat(completion.at("/usage/total_tokens").isIntegralNumber()).as(how).isTrue();
  }

  void check(String how, UsageRecord row) {
    assertThat(row.status().name()).as(how).isEqualTo(json.path("status").asText());
    assertThat(row.tokensIn()).as(how).isEqualTo(json.at("/tokens/in").asLong());
    assertThat(row.tokensOut()).as(how).isEqualTo(json.at("/tokens/out").asLong());
    if (json.has("cost")) {
      assertThat(row.cost()).as(how).isEqualByComparingTo(json.get("cost").textValue());
    }
  }

  void check(String how, List<String> logged) {
    if (json.has("log")) {
      String[] words = texts(json.path("log"));
      assertThat(logged).as(how).anySatisfy(line -> assertThat(line).contains(words));
    }
  }

  private void checkError(String how, HttpResponse<String> response) {
    JsonNode expected = json.path("error");
    JsonNode error;
    if (response.statusCode() == 200) {
      assertThat(response.body()).as(how).doesNotContain("[DONE]");
      String last = response.body().substring(response.body().lastIndexOf("event: error\ndata: "));
      error = parsed(last.substring(last.indexOf('{'))).path("error");
    } else {
      assertThat(response.statusCode()).as(how).isEqualTo(expected.path("status").asInt());
      error = Gateway.json(response).path("error");
    }
    assertThat(error.path("code").asText()).as(how).isEqualTo(expected.path("code").asText());
    assertThat(error.path("message").asText()).as(how).contains(texts(expected.path("words")));
  }

  private void checkCalls(String how, JsonNode calls) {
    assertThat(calls.size()).as(how).isEqualTo(json.path("tool_calls").size());
    for (int i = 0; i < calls.size(); i++) {
      JsonNode call = calls.get(i);
      JsonNode expected = json.path("tool_calls").get(i);
      assertThat(call.path("id").asText()).as(how).isNotEmpty();
      if (expected.has("id")) {
        assertThat(call.get("id")).as(how).isEqualTo(expected.get("id"));
      }
      assertThat(call.at("/function/name")).as(how).isEqualTo(expected.get("name"));
      // A stream has no arguments where a whole answer has empty ones.
      String arguments = call.at("/function/arguments").asText("");
      assertThat(arguments.isEmpty() ? "{}" : arguments)
          .as(how)
          .isEqualTo(expected.path("arguments").asText());
    }
  }

  /** Collects a stream as clients do that rely on the contract. */
  private static JsonNode collected(String how, String body) {
    assertThat(body).as(how).endsWith("data: [DONE]\n\n");
    StringBuilder content = new StringBuilder();
    StringBuilder reasoning = new StringBuilder();
    List<ObjectNode> calls = new ArrayList<>();
    JsonNode reason = null;
    JsonNode usage = null;
    for (String event : EVENT_END.splitAsStream(body).toList()) {
      if (!event.startsWith("data: {")) {
        continue;
      }
      JsonNode chunk = parsed(event.substring("data: ".length()));
      assertThat(usage).as(how).isNull();
      usage = chunk.path("usage").isObject() ? chunk.get("usage") : null;
      for (JsonNode choice : chunk.path("choices")) {
        assertThat(reason).as(how).isNull();
        reason = choice.path("finish_reason").isNull() ? null : choice.get("finish_reason");
        JsonNode delta = choice.path("delta");
        content.append(text(how, delta.path("content")));
        reasoning.append(text(how, delta.path("reasoning_content")));
        delta.path("tool_calls").forEach(fragment -> collect(how, fragment, calls));
      }
    }
    ObjectNode completion = Json.object();
    ObjectNode choice = completion.putArray("choices").addObject();
    ObjectNode message = choice.putObject("message");
    message.put("content", content.toString()).put("reasoning_content", reasoning.toString());
    ArrayNode list = message.putArray("tool_calls");
    calls.forEach(list::add);
    choice.set("finish_reason", reason);
    completion.set("usage", usage);
    return completion;
  }

  /** Adds a fragment of a tool call. SDKs concatenate the fragments of names too. */
  private static void collect(String how, JsonNode fragment, List<ObjectNode> calls) {
    int index = fragment.path("index").asInt(-1);
    assertThat(index).as(how).isBetween(0, calls.size());
    if (index == calls.size()) {
      ObjectNode call = Json.object().put("id", fragment.path("id").asText());
      call.putObject("function").put("name", "").put("arguments", "");
      calls.add(call);
    }
    ObjectNode function = (ObjectNode) calls.get(index).get("function");
    for (String field : List.of("name", "arguments")) {
      function.put(
          field, function.path(field).asText() + text(how, fragment.path("function").path(field)));
    }
  }

  private static String text(String how, JsonNode piece) {
    assertThat(piece.isTextual() || piece.isNull() || piece.isMissingNode()).as(how).isTrue();
    return piece.isTextual() ? piece.textValue() : "";
  }

  private static String[] texts(JsonNode list) {
    return list.valueStream().map(JsonNode::asText).toArray(String[]::new);
  }

  private static JsonNode parsed(String json) {
    try {
      return Json.parse(json);
    } catch (java.io.IOException e) {
      throw new AssertionError("Not JSON: " + json, e);
    }
  }
}
