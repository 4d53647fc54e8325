package dev.llmproxy;

import static dev.llmproxy.Responses.items;
import static dev.llmproxy.Responses.json;
import static dev.llmproxy.Responses.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Remembered responses: previous_response_id, references to items, and /v1/responses/{id}. */
class ResponsesMemoryRouteTest {
  private static Gateway gateway;
  private static String key;
  private static Responses responses;
  private static Responses stranger;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data);
    key = gateway.createKey("memory@example.com");
    responses = new Responses(gateway, key);
    stranger = new Responses(gateway, gateway.createKey("memory@example.com"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private static ObjectNode after(JsonNode response, String input) {
    return request(input).put("previous_response_id", response.path("id").asText());
  }

  @Wire("11.previous")
  @Test
  void aResponseGoesOnWithAllTurnsBeforeItAndWithoutTheirInstructions() {
    JsonNode first = responses.streamed(request("one").put("instructions", "old"));
    JsonNode second = responses.whole(after(first, "two"));
    JsonNode third = responses.streamed(after(second, "three").put("instructions", "new"));

    assertThat(responses.messages())
        .isEqualTo(
            ToolChats.json(
                """
                [{"role":"system","content":"new"},
                 {"role":"user","content":"one"},{"role":"assistant","content":"You said: one"},
                 {"role":"user","content":"two"},{"role":"assistant","content":"You said: two"},
                 {"role":"user","content":"three"}]\
                """));
    assertThat(third.path("previous_response_id")).isEqualTo(second.path("id"));
  }

  @Wire("11.previous")
  @Test
  void callsAndThoughtsAreRememberedWhateverTheClientSees() {
    ObjectNode request = request("hi [[script tools=1 reasoning=1]]");
    JsonNode first = responses.whole(request);
    ObjectNode next = after(first, "");
    next.putArray("input")
        .addObject()
        .put("type", "function_call_output")
        .put("call_id", items(first, "function_call").getFirst().path("call_id").asText())
        .put("output", "sunny");
    responses.whole(next);

    assertThat(Responses.itemTypes(first)).containsExactly("function_call");
    assertThat(responses.messages().at("/1/reasoning_content").asText()).isEqualTo("Let me think.");
    assertThat(responses.messages().at("/1/tool_calls")).hasSize(1);
    assertThat(responses.messages().at("/2/content").asText()).isEqualTo("sunny");
  }

  @Wire("11.unknown")
  @Test
  void anUnknownResponseIsA400WithOpenAisCode() {
    JsonNode first = responses.whole(request("secret"));
    JsonNode unstored = responses.whole(request("unstored").put("store", false));
    int asked = responses.requests().size();

    for (JsonNode error :
        new JsonNode[] {
          responses.refused(400, request("x").put("previous_response_id", "resp_x")),
          responses.refused(400, after(unstored, "x")),
          stranger.refused(400, after(first, "x"))
        }) {
      assertThat(error.path("code").asText()).isEqualTo("previous_response_not_found");
      assertThat(error.path("param").asText()).isEqualTo("previous_response_id");
      assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
      assertThat(error.path("message").asText())
          .matches("Previous response with id '.*' not found\\.");
    }
    assertThat(responses.requests()).hasSize(asked);
  }

  @Wire("11.atonce")
  @Test
  void aResponseIsRememberedBeforeItsLastEventIsSent() throws IOException {
    for (int i = 0; i < 20; i++) {
      try (RawConnection client = gateway.connect()) {
        String body = Json.text(request("round " + i).put("stream", true));
        client.write(RawConnection.request(Responses.PATH, key, body));
        String begun = client.readUntil("\"response.in_progress\"");
        String id =
            begun.substring(begun.indexOf("resp_"), begun.indexOf('"', begun.indexOf("resp_")));
        client.readUntil("event: response.completed");

        assertThat(responses.send("GET", "/" + id).statusCode()).isEqualTo(200);
      }
    }
  }

  @Wire("11.reference")
  @ParameterizedTest
  @ValueSource(strings = {"{\"type\":\"item_reference\",\"id\":\"%s\"}", "{\"id\":\"%s\"}"})
  void aReferenceStandsForItsItem(String reference) {
    JsonNode first = responses.streamed(request("one"));
    String id = first.at("/output/0/id").asText();
    responses.whole(
        json(
            """
            {"input":[{"role":"user","content":"one"},%s,{"role":"user","content":"two"}]}\
            """
                .formatted(reference.formatted(id))));

    assertThat(responses.messages())
        .isEqualTo(
            ToolChats.json(
                """
                [{"role":"user","content":"one"},{"role":"assistant","content":"You said: one"},{"role":"user","content":"two"}]\
                """));
  }

  @Wire("11.reference")
  @Test
  void aReferenceToAnUnknownItemIsA404WithTheRemedy() {
    JsonNode theirs = stranger.whole(request("one"));

    for (String id : new String[] {"msg_x", theirs.at("/output/0/id").asText(), "fc_1_2", "x"}) {
      JsonNode error =
          responses.refused(
              404, json("{\"input\":[{\"type\":\"item_reference\",\"id\":\"%s\"}]}".formatted(id)));
      assertThat(error.path("message").asText())
          .startsWith(
              "Item with id '"
                  + id
                  + "' not found. Items are not persisted when `store` is set to false.")
          .contains("providerOptions.openai.store=false");
      assertThat(error.path("param").asText()).isEqualTo("input");
      assertThat(error.path("code").isNull()).isTrue();
    }
  }

  @Wire("11.reference")
  @Test
  void oneLargeItemCannotBeNamedOverAndOver() {
    JsonNode first = responses.whole(request("long ".repeat(20_000)));
    String reference = "{\"id\":\"" + first.at("/output/0/id").asText() + "\"}";
    String input = String.join(",", Collections.nCopies(1000, reference));

    JsonNode error = responses.refused(413, json("{\"input\":[" + input + "]}"));

    assertThat(error.path("code").asText()).isEqualTo("request_too_large");
  }

  @Wire("11.reference")
  @Test
  void aReferenceToThoughtsThatAreGoneIsDropped() {
    HttpResponse<String> answer =
        responses.post(
            json(
                "{\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"type\":\"item_reference\",\"id\":\"rs_x_1\"}]}"));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-llmproxy-dropped")).hasValue("input.item_reference");
  }

  @Wire("11.get")
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRememberedResponseIsAsTheClientGotIt(boolean stream) {
    ObjectNode request = request("hi [[script reasoning=1 tools=1]]");
    JsonNode response = stream ? responses.streamed(request) : responses.whole(request);
    String path = "/" + response.path("id").asText();

    HttpResponse<String> answer = responses.send("GET", path);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(Gateway.json(answer)).isEqualTo(response);
    assertThat(stranger.send("GET", path).statusCode()).isEqualTo(404);
    assertThat(stranger.send("DELETE", path).statusCode()).isEqualTo(404);
    assertThat(stranger.send("GET", path + "/input_items").statusCode()).isEqualTo(404);
  }

  @Wire("11.get")
  @Test
  void inputItemsAreThoseOfTheRequestTheLastOneFirst() {
    JsonNode first = responses.whole(request("one"));
    JsonNode second =
        responses.whole(
            json(
                """
                {"input":[{"role":"user","content":"a"},{"type":"item_reference","id":"%s"},{"id":"msg_own","role":"user","content":"b"}]}\
                """
                    .formatted(first.at("/output/0/id").asText())));
    JsonNode list =
        Gateway.json(responses.send("GET", "/" + second.path("id").asText() + "/input_items"));

    assertThat(list.path("object").asText()).isEqualTo("list");
    assertThat(list.path("has_more").asBoolean(true)).isFalse();
    assertThat(list.path("data")).hasSize(3);
    assertThat(list.at("/data/0/id").asText()).isEqualTo("msg_own");
    assertThat(list.at("/data/1")).isEqualTo(first.at("/output/0"));
    assertThat(list.at("/data/2/type").asText()).isEqualTo("message");
    assertThat(list.path("first_id").asText()).isEqualTo("msg_own");
    assertThat(list.path("last_id")).isEqualTo(list.at("/data/2/id"));
  }

  @Wire("11.delete")
  @Test
  void aDeletedResponseIsGone() {
    JsonNode response = responses.whole(request("one"));
    String id = response.path("id").asText();

    assertThat(Gateway.json(responses.send("DELETE", "/" + id)))
        .isEqualTo(Json.object().put("id", id).put("object", "response").put("deleted", true));
    assertThat(responses.send("GET", "/" + id).statusCode()).isEqualTo(404);
    assertThat(responses.send("DELETE", "/" + id).statusCode()).isEqualTo(404);
    responses.refused(400, after(response, "x"));
  }

  @Wire("11.cancel")
  @Test
  void aResponseCannotBeCancelled() {
    String id = responses.whole(request("one")).path("id").asText();

    assertThat(responses.send("POST", "/" + id + "/cancel").statusCode()).isEqualTo(400);
    assertThat(responses.send("POST", "/resp_x/cancel").statusCode()).isEqualTo(404);
  }

  @Wire("11.off")
  @Test
  void nothingIsRememberedWhenTheMemoryIsOff(@TempDir Path data) {
    try (Gateway off = Gateway.start(data, Map.of("RESPONSES_KEEP_MINUTES", "0"))) {
      Responses own = new Responses(off, off.createKey("off@example.com"));
      JsonNode response = own.whole(request("one"));

      assertThat(response.path("store").asBoolean(true)).isFalse();
      own.refused(400, after(response, "two"));
      assertThat(own.send("GET", "/" + response.path("id").asText()).statusCode()).isEqualTo(404);
    }
  }
}
