package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.base.Json;
import dev.llmproxy.tool.ToolResult.Status;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.AbstractList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ToolRunnerRouteTest {
  private static final int TIMEOUT_SECONDS = 60;
  private static final Duration SHORT_TIMEOUT = Duration.ofSeconds(5);
  private static final String ROUTE =
      """
      - route:
          id: tool-%1$s
          description: Does %1$s
          from:
            uri: direct:tool-%1$s
            steps:
              - setProperty:
                  name: parameters
                  constant: |
                    type: object
                    properties: {count: {type: integer, minimum: 1}, amount: {type: number}}
              - bean:
                  ref: testTools
                  method: %1$s
      """;

  @TempDir static Path folder;
  private static Tools tools;
  private static ToolRunner impatient;
  private static final TestTools TEST_TOOLS = new TestTools();
  private static final Map<String, String> TYPES =
      Map.of(
          "1", "application/json",
          "2", "text/plain; charset=iso-8859-1",
          "3", "image/png",
          "5", "application/problem+json; charset=utf-8");

  /** Beans of the test's routes. */
  @SuppressWarnings("DoNotCallSuggester")
  public static final class TestTools {
    final CyclicBarrier together = new CyclicBarrier(2);
    final CountDownLatch napping = new CountDownLatch(1);
    final CountDownLatch interrupted = new CountDownLatch(1);

    public Object types(@Body Map<String, Object> arguments) {
      return Map.of("type", arguments.get("amount").getClass().getSimpleName());
    }

    public Object list() {
      return List.of(1, "two", Map.of("three", 3));
    }

    public Object essay() {
      return "é".repeat(50_000);
    }

    public Object wrong() {
      return "never asked";
    }

    public Object nothing() {
      return null;
    }

    public Object breaks() {
      throw new IllegalStateException("secret of the inside");
    }

    public Object digs() {
      return nested(Integer.MAX_VALUE);
    }

    private static Object nested(int depth) {
      return depth == 0 ? "bottom" : List.of(nested(depth - 1));
    }

    /** A result that fails when it is serialized, after the route has ended. */
    public Object bursts() {
      return new AbstractList<>() {
        @Override
        public Object get(int index) {
          throw new OutOfMemoryError("secret of the inside");
        }

        @Override
        public int size() {
          return 1;
        }
      };
    }

    /** The result of a route whose last step is an HTTP call. */
    public Object fetches(@Body Map<String, Object> arguments, Exchange exchange) {
      String amount = String.valueOf(arguments.get("amount"));
      exchange.getMessage().setHeader(Exchange.CONTENT_TYPE, TYPES.get(amount));
      byte[] bytes =
          switch (amount) {
            case "1" -> "{\"a\": \"ä\"}".getBytes(StandardCharsets.UTF_8);
            case "2" -> "grün".getBytes(StandardCharsets.ISO_8859_1);
            case "5" -> "x".repeat(100_000).getBytes(StandardCharsets.UTF_8);
            default -> new byte[] {(byte) 0x89, 'P', 'N', 'G', 0, (byte) 0xff};
          };
      return amount.equals("2") ? bytes : new ByteArrayInputStream(bytes);
    }

    public Object refuses() {
      throw new ToolException("Ask for a smaller one.");
    }

    public Object meets() throws Exception {
      together.await();
      return "met";
    }

    public Object sleeps() throws InterruptedException {
      new CountDownLatch(1).await();
      return "never";
    }

    public Object naps() throws InterruptedException {
      napping.countDown();
      try {
        return sleeps();
      } finally {
        interrupted.countDown();
      }
    }
  }

  @BeforeAll
  static void start() throws Exception {
    for (String tool :
        List.of(
            "types", "list", "essay", "nothing", "breaks", "digs", "bursts", "fetches", "refuses",
            "meets", "sleeps", "naps")) {
      Files.writeString(folder.resolve("tool-" + tool + ".camel.yaml"), ROUTE.formatted(tool));
    }
    tools =
        Tools.start(
            folder,
            Map.of(
                "TOOL_TIMEOUT_SECONDS",
                String.valueOf(TIMEOUT_SECONDS),
                "TOOL_RESULT_CHARACTERS",
                "1000"),
            Map.of("testTools", TEST_TOOLS));
    impatient = new ToolRunner(tools.catalogue(), SHORT_TIMEOUT, 1000);
  }

  @AfterAll
  static void stop() {
    tools.close();
  }

  @Test
  void shippedToolsAreDeclaredAsOpenAiFunctions() {
    assertThat(tools.catalogue().tools())
        .extracting(Tool::name)
        .contains("calculator", "current_time", "fetch_url", "web_search");
    var function = tools.catalogue().find("calculator").orElseThrow().asOpenAi();
    assertThat(function.path("type").asText()).isEqualTo("function");
    assertThat(function.at("/function/name").asText()).isEqualTo("calculator");
    assertThat(function.at("/function/description").asText()).contains("arithmetic");
    assertThat(function.at("/function/parameters/properties/expression/type").asText())
        .isEqualTo("string");
    assertThat(function.at("/function/parameters/required/0").asText()).isEqualTo("expression");
  }

  @Test
  void argumentsArriveAsAMapWithExactDecimals() throws Exception {
    ToolResult result = tools.run(new ToolCall("call_9", "types", "{\"amount\": 0.1}"));

    assertThat(result.content()).isEqualTo("{\"type\":\"BigDecimal\"}");
    assertThat(result.status()).isEqualTo(Status.COMPLETED);
    assertThat(result.callId()).isEqualTo("call_9");
    assertThat(result.duration()).isPositive().isLessThan(Duration.ofSeconds(TIMEOUT_SECONDS));
  }

  @Test
  void listResultsBecomeJsonAndAbsentArgumentsAnEmptyObject() throws Exception {
    assertThat(tools.run(new ToolCall("1", "list", "")).content())
        .isEqualTo("[1,\"two\",{\"three\":3}]");
    assertThat(tools.run(new ToolCall("1", "nothing", "{}")).content())
        .isEqualTo("The tool gave no result.");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          list   | {"count": "three"} | $.count
          list   | {"count": 0}       | minimum
          list   | {"count":          | no JSON
          list   | [1]                | no JSON object
          lost   | {}                 | There is no tool named lost
          breaks | {}                 | IllegalStateException
          digs   | {}                 | The tool failed
          bursts | {}                 | OutOfMemoryError
          refuses| {}                 | Ask for a smaller one.
          calculator | {}             | expression
          calculator | {"expression": "1", "x": 1} | x
          """)
  void failuresBecomeResultsWithTheReason(String name, String arguments, String why)
      throws Exception {
    ToolResult result = tools.run(new ToolCall("call_1", name, arguments));

    assertThat(result.status()).isEqualTo(Status.FAILED);
    assertThat(result.content()).contains(why).doesNotContain("secret of the inside");
    assertThat(result.summary()).hasSizeLessThanOrEqualTo(120).isNotBlank();
  }

  @Test
  void invalidArgumentsAreAnsweredWithTheSchema() throws Exception {
    assertThat(tools.run("calculator", "sum", "1+1").content()).contains("\"maxLength\":1000");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 | {\"a\": \"ä\"}",
        "2 | grün",
        "3 | The tool gave 6 bytes of the type image/png, which are no text.",
        "4 | The tool gave 6 bytes, which are no text.",
      })
  void textAnswersOfServersBecomeText(String amount, String content) throws Exception {
    ToolResult result =
        tools.run(new ToolCall("call_1", "fetches", "{\"amount\": " + amount + "}"));

    assertThat(result.status()).isEqualTo(Status.COMPLETED);
    assertThat(result.content()).isEqualTo(content);
  }

  @Test
  void longAnswersOfServersAreCut() throws Exception {
    ToolResult result = tools.run(new ToolCall("call_1", "fetches", "{\"amount\": 5}"));

    assertThat(result.content()).startsWith("xxx").contains("[cut: these are the first 1000 of");
  }

  @Test
  void longResultsAreCutWithAMark() throws Exception {
    String content = tools.run(new ToolCall("1", "essay", "{}")).content();

    assertThat(content).endsWith("\n[cut: these are the first 1000 of 50000 characters]");
    assertThat(content).startsWith("é".repeat(1000) + "\n");
  }

  @Test
  void callsRunAtTheSameTimeAndKeepTheirOrder() throws Exception {
    List<ToolResult> results =
        tools.runAll(
            List.of(
                new ToolCall("a", "meets", "{}"),
                new ToolCall("b", "list", "{}"),
                new ToolCall("c", "meets", "{}")));

    assertThat(results).extracting(ToolResult::callId).containsExactly("a", "b", "c");
    assertThat(results).extracting(ToolResult::status).containsOnly(Status.COMPLETED);
  }

  @Test
  void theTimeoutStopsOneToolAndNotTheOthers() throws Exception {
    List<ToolResult> results =
        tools.runAll(
            impatient, List.of(new ToolCall("a", "sleeps", "{}"), new ToolCall("b", "list", "{}")));

    assertThat(results.getFirst().status()).isEqualTo(Status.FAILED);
    assertThat(results.getFirst().content()).contains("no answer within 5 seconds");
    assertThat(results.getLast().status()).isEqualTo(Status.COMPLETED);
  }

  @Test
  void resultsComeInTheOrderInWhichCallsEnd() throws Exception {
    try (ToolRun run =
        impatient.start(
            List.of(new ToolCall("a", "sleeps", "{}"), new ToolCall("b", "list", "{}")),
            tools.names(),
            Set.of())) {
      assertThat(run.next().call().id()).isEqualTo("b");
      assertThat(run.next().result().status()).isEqualTo(Status.FAILED);
      assertThat(run.hasNext()).isFalse();
    }
  }

  @Test
  void onlySixteenCallsRunAtOnce() throws Exception {
    List<ToolCall> calls =
        IntStream.rangeClosed(1, 17)
            .mapToObj(i -> new ToolCall("call_" + i, "list", "{}"))
            .toList();

    List<ToolResult> results = tools.runAll(calls);

    assertThat(results.subList(0, 16))
        .extracting(ToolResult::status)
        .containsOnly(Status.COMPLETED);
    assertThat(results.getLast().status()).isEqualTo(Status.FAILED);
    assertThat(results.getLast().content()).contains("No more than 16 tools");
  }

  @Test
  void anInterruptStopsTheCalls() throws Exception {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    ToolRunner patient = new ToolRunner(tools.catalogue(), Duration.ofMinutes(10), 1000);
    Thread caller =
        Thread.ofVirtual()
            .start(() -> {
              try {
                tools.runAll(patient, List.of(new ToolCall("a", "naps", "{}")));
              } catch (InterruptedException e) {
                thrown.set(e);
              }
            });
    Awaitility.await().until(() -> TEST_TOOLS.napping.getCount() == 0);
    caller.interrupt();
    Awaitility.await().until(() -> thrown.get() != null);
    Awaitility.await().until(() -> TEST_TOOLS.interrupted.getCount() == 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          type: object            | type: array              | JSON schema of type object
          type: integer           | type: whole              | no JSON schema
          name: parameters        | name: schema             | first step
          properties: {           | properties: }            | neither JSON nor YAML
          description: Does wrong | note: nothing            | no description
          """)
  void invalidDeclarationsFailTheStartAndNameTheFile(
      String right, String wrong, String why, @TempDir Path broken) throws Exception {
    Files.writeString(
        broken.resolve("tool-wrong.camel.yaml"), ROUTE.formatted("wrong").replace(right, wrong));

    assertThatThrownBy(() -> Tools.start(broken, Map.of(), Map.of("testTools", TEST_TOOLS)).close())
        .hasMessageContaining(why)
        .hasMessageContaining("tool-wrong.camel.yaml");
  }

  @Test
  void theCalculatorAndTheClockAnswer() throws Exception {
    assertThat(tools.run("calculator", "expression", "0.1 + 0.2").content()).isEqualTo("0.3");
    assertThat(
            Json.parse(tools.run("current_time", "time_zone", "Asia/Tokyo").content())
                .path("time")
                .asText())
        .endsWith("+09:00");
    assertThat(tools.run("fetch_url", "url", "http://169.254.169.254/latest/meta-data/").content())
        .contains("not on the public internet");
  }
}
