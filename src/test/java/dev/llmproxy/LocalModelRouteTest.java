package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.UsageRecord;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real small model behind the routes that all providers use. */
class LocalModelRouteTest {
  private static final String MODEL = "local/smollm2-135m-instruct";
  private static final String QUESTION =
      """
      {"model":"local/smollm2-135m-instruct","temperature":0,"stream":%s,"messages":[{"role":"user","content":"What is the capital of France?"}]%s}\
      """;

  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data, Map.of("LOCAL_MODEL", "on"));
    key = gateway.createKey("local@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void wholeAnswersHaveExactUsage() {
    JsonNode completion = Gateway.json(gateway.post(key, QUESTION.formatted(false, "")));

    assertThat(completion.at("/choices/0/message/content").asText())
        .isEqualTo("The capital of France is Paris.");
    assertThat(completion.path("usage").toString())
        .isEqualTo("{\"prompt_tokens\":37,\"completion_tokens\":7,\"total_tokens\":44}");
  }

  @Wire("12.count")
  @Test
  void countsAndAnswersOfMessagesAgreeAndToolsAreLeftOut() {
    MessageChats chats = new MessageChats(gateway, key);
    ObjectNode request =
        MessageChats.request("What is the capital of France?", MessageChats.WEATHER)
            .put("model", MODEL);

    HttpResponse<String> answer = chats.post(request);
    HttpResponse<String> count = chats.post(MessageChats.PATH + "/count_tokens", request);

    assertThat(Gateway.json(answer).at("/content/0/text").asText())
        .isEqualTo("The capital of France is Paris.");
    assertThat(MessageChats.dropped(answer)).containsExactly("tools");
    assertThat(Gateway.json(count).path("input_tokens").asInt()).isEqualTo(37);
    assertThat(Gateway.json(answer).at("/usage/input_tokens").asInt()).isEqualTo(37);
  }

  @Test
  void streamsHaveOneChunkPerToken() {
    HttpResponse<String> response = gateway.post(key, QUESTION.formatted(true, ""));

    assertThat(response.body().lines().filter(line -> line.startsWith("data: {")).count())
        .isEqualTo(8);
    assertThat(response.body()).endsWith("data: [DONE]\n\n");
  }

  @Test
  void answersAtTheTokenLimitEndWithLength() {
    JsonNode completion =
        Gateway.json(gateway.post(key, QUESTION.formatted(false, ",\"max_tokens\":2")));

    assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("length");
    assertThat(completion.at("/usage/completion_tokens").asInt()).isEqualTo(2);
  }

  @Test
  void cancelledAnswersAreChargedExactlyForTokensReadAndWritten(@TempDir Path data)
      throws Exception {
    try (Gateway own = Gateway.start(data, Map.of("LOCAL_MODEL", "on"))) {
      String reader = own.createKey("leaving@example.com");
      String question =
          QUESTION.replace("What is the capital of France?", "Tell me a long story of a fox.");
      int prompt =
          Gateway.json(own.post(reader, question.formatted(false, ",\"max_tokens\":1")))
              .at("/usage/prompt_tokens")
              .asInt();
      try (HttpClient client = HttpClient.newHttpClient();
          InputStream stream =
              client
                  .send(
                      own.request("/v1/chat/completions", reader)
                          .POST(
                              HttpRequest.BodyPublishers.ofString(
                                  question.formatted(true, ",\"max_tokens\":1500")))
                          .build(),
                      HttpResponse.BodyHandlers.ofInputStream())
                  .body()) {
        assertThat(stream.readNBytes(2000)).hasSize(2000);
        client.shutdownNow();
      }

      UsageRecord left = own.awaitRecords(2).getLast();
      assertThat(left.status()).isEqualTo(Status.CANCELLED);
      assertThat(left.tokensIn()).isEqualTo(prompt);
      assertThat(left.tokensOut()).isPositive().isLessThan(1500);
    }
  }

  @Test
  void instructionsAfterTheQuestionAreReadBeforeIt() {
    HttpResponse<String> answer =
        gateway.post(
            "/v1/messages",
            key,
            """
            {"model":"local/smollm2-135m-instruct","max_tokens":20,"temperature":0,"tools":[{"name":"f","input_schema":{"type":"object"}}],
             "system":"Answer briefly.","messages":[{"role":"user","content":"What is the capital of France?"},
              {"role":"system","content":"# Environment\\nThe platform is linux."}]}\
            """);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(Gateway.json(answer).at("/content/0/text").asText()).contains("Paris");
    assertThat(answer.headers().firstValue("x-llmproxy-dropped")).hasValue("tools");
  }

  @Test
  void unsupportedRequestsAreRefused() {
    String tools = ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]";
    HttpResponse<String> response = gateway.post(key, QUESTION.formatted(true, tools));

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/param").asText()).isEqualTo("tools");
  }

  @Wire("6.400context")
  @Test
  void tooLongPromptsAreRefusedWithTheLimit() {
    HttpResponse<String> response = gateway.chat(key, MODEL, false, "word ".repeat(3000));

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/code").asText())
        .isEqualTo("context_length_exceeded");
    assertThat(response.body()).contains("maximum context length is 2048 tokens");
  }

  @Test
  void withoutWeightsTheServerStartsAndNamesTheCommand(@TempDir Path data) {
    try (Gateway bare =
        Gateway.start(
            data,
            Map.of(
                "LOCAL_MODEL",
                "on",
                "LOCAL_MODEL_FILE",
                data.resolve("missing.gguf").toString()))) {
      HttpResponse<String> response =
          bare.chat(bare.createKey("bare@example.com"), MODEL, true, "hi");

      assertThat(response.statusCode()).isEqualTo(503);
      assertThat(response.body()).contains("scripts/fetch-model");
    }
  }
}
