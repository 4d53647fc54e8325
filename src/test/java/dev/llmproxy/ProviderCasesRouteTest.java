package dev.llmproxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.ledger.UsageRecord;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Recorded answers of providers, played through the whole gateway with and without streaming. The
 * test checks the client's answer and the ledger's row. Each folder of {@code fixtures/cases} has
 * one kind of answer. To add a case, add {@code <case>.http}, the provider's answer byte for byte,
 * and {@code <case>.expected.json}. The request is {@code <case>.request.json}, else the folder's
 * {@code request.json}. If the gateway retries, {@code <case>.2.http} is the second answer. {@link
 * ExpectedAnswer} describes the expectations; {@code make golden} writes them from the whole
 * answer.
 */
class ProviderCasesRouteTest {
  private static final Pattern FURTHER_ANSWER = Pattern.compile("\\.\\d$");

  private static PlayedProvider provider;
  private static Gateway gateway;
  private static String key;
  private static LogLines log;

  @BeforeAll
  static void start(@TempDir Path data) {
    log = LogLines.open();
    provider = PlayedProvider.start();
    gateway =
        Gateway.start(
            data,
            Map.of(
                "OPENAI_BASE_URL", provider.baseUrl(), "COMPATIBLE_BASE_URL", provider.baseUrl()));
    key = gateway.createKey("cases@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
    log.close();
  }

  static Stream<String> cases() {
    return Fixtures.folders("cases").stream()
        .flatMap(kind ->
            Fixtures.cases("cases/" + kind, ".http").stream()
                .filter(name -> !FURTHER_ANSWER.matcher(name).find())
                .map(name -> kind + "/" + name));
  }

  @MethodSource("cases")
  @ParameterizedTest
  void clientAndLedgerGetTheExpectedAnswer(String name) {
    String file = "cases/" + name + ".expected.json";
    boolean write = Golden.ofThisRun().write();
    ExpectedAnswer expected =
        ExpectedAnswer.of(write && !Fixtures.exists(file) ? Json.object() : Fixtures.json(file));
    for (boolean stream : new boolean[] {true, false}) {
      provider.play(answers(name));
      int logged = log.said().size();

      HttpResponse<String> response = gateway.post(key, Json.text(request(name, stream)));

      String how = name + (stream ? ", streamed: " : ", whole: ") + response.body();
      String id = response.headers().firstValue("x-request-id").orElseThrow();
      UsageRecord row = gateway.awaitRecord(record -> record.requestId().equals(id));
      if (!write) {
        expected.check(how, response, stream);
        expected.check(how, row);
        expected.check(how, log.said().subList(logged, log.said().size()));
      } else if (!stream) {
        Fixtures.check(file, expected.updated(response, row));
      }
    }
  }

  private static ObjectNode request(String name, boolean stream) {
    String own = "cases/" + name + ".request.json";
    String folders = "cases/" + name.substring(0, name.indexOf('/')) + "/request.json";
    JsonNode request = Fixtures.json(Fixtures.exists(own) ? own : folders);
    ObjectNode asked = ((ObjectNode) request).put("stream", stream);
    if (!stream) {
      asked.remove("stream_options");
    }
    return asked;
  }

  private static List<byte[]> answers(String name) {
    return Stream.of(".http", ".2.http", ".3.http")
        .map(ending -> "cases/" + name + ending)
        .filter(Fixtures::exists)
        .map(Fixtures::bytes)
        .toList();
  }
}
