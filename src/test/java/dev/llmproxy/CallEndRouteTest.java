package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A call ends exactly once, whatever happens at any step of its request. It is settled once, its
 * conversation has an answer, the provider's connection and the memory are released, and the client
 * does not wait forever.
 */
class CallEndRouteTest {
  private static final String INTERCEPT =
      """
          intercept:
            - intercept:
                steps:
                  - bean:
                      ref: stepFault
                      method: reach
      """;
  private static final String BEAN =
      """
      - beans:
          - name: stepFault
            type: dev.llmproxy.StepFault
      """;

  /** Kinds of requests. */
  enum Kind {
    STREAM("/v1/chat/completions", true),
    WHOLE("/v1/chat/completions", false),
    /** Its answer is in the response cache. */
    STORED("/v1/chat/completions", true),
    EMBEDDINGS("/v1/embeddings", false);

    private final String path;
    private final boolean stream;

    Kind(String path, boolean stream) {
      this.path = path;
      this.stream = stream;
    }

    String body() {
      ObjectNode body = Json.object().put("model", "openai/scripted");
      if (this == EMBEDDINGS) {
        return Json.text(body.put("input", "hello"));
      }
      body.put("stream", stream);
      if (this == STORED) {
        body.put("temperature", 0).putArray("messages").addObject().put("role", "user");
        return Json.text(body);
      }
      body.putArray("messages")
          .addObject()
          .put("role", "user")
          .put("content", "[[script calls='calculator {\"expression\": \"6*7\"}']]");
      body.putArray("tools").addObject().put("type", "calculator");
      return Json.text(body);
    }
  }

  private static final Duration POLL = Duration.ofMillis(5);

  private static Gateway gateway;
  private static String key;
  private static long freeForBodies;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Path errors = home.resolve("routes/errors.camel.yaml");
    String yaml = Files.readString(errors);
    String passes = "    errorHandler:\n      noErrorHandler: {}\n";
    String answers = "    id: http-errors\n";
    assertThat(yaml).contains(passes, answers);
    Files.writeString(
        errors, yaml.replace(passes, passes + INTERCEPT).replace(answers, answers + INTERCEPT));
    Files.writeString(home.resolve("routes/step-fault.camel.yaml"), BEAN);
    StepFault.arm(0, null);
    gateway =
        Gateway.startAt(
            home,
            folder.resolve("data"),
            Map.of("LOG_CONVERSATIONS", "ledger", "RESPONSE_CACHE_MB", "1"));
    gateway.setTiers(List.of("limited", 1_000_000, 1_000_000_000, 1_000_000, 1_000));
    key = gateway.createKey("ann@example.com", "limited");
    freeForBodies = gateway.application().bodyReader().budget().free();
    gateway.post(key, Kind.STORED.body());
    awaitEnd("stored");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @ParameterizedTest
  @EnumSource
  void anExceptionAtAnyStepEndsTheCallOnce(Kind kind) throws Exception {
    List<String> steps = steps(kind);
    for (int step = 1; step <= steps.size(); step++) {
      String where = kind + " before " + steps.get(step - 1);
      long before = count("select coalesce(max(sequence), 0) from request");
      StepFault.arm(step, StepFault::fail);

      try (RawConnection client = gateway.connect()) {
        send(client, kind);
        String answer = answer(client, where);
        if (answer.startsWith("HTTP/1.1 200 ") && kind.stream) {
          // A complete stream, a stream that ends in an error, or a stream without its last HTTP
          // chunk.
          assertThat(answer)
              .as(where)
              .satisfiesAnyOf(
                  whole -> assertThat(whole).contains("data: [DONE]"),
                  failed -> assertThat(failed).contains("event: error"),
                  cut -> assertThat(cut).doesNotEndWith("\r\n0\r\n\r\n"));
        } else {
          assertThat(answer).as(where).matches("(?s)HTTP/1.1 (200|500) .*\r\n\r\n\\{.*");
        }
      }

      awaitEnd(where);
      List<UsageRecord> records = gateway.application().ledger().after(before, 10);
      assertThat(records).as(where).hasSize(admitted(steps, step) ? 1 : 0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aClientThatLeavesAtAnyStepEndsTheCallOnce(Kind kind) throws Exception {
    List<String> steps = steps(kind);
    for (int step = 1; step <= steps.size(); step++) {
      String where = kind + " left before " + steps.get(step - 1);
      long before = count("select coalesce(max(sequence), 0) from request");
      RawConnection client = gateway.connect();
      StepFault.arm(step, () -> leave(client));

      send(client, kind);

      int target = step;
      // Events that arrive together take fewer steps, so the request may end before its last ones.
      await(
          where,
          () ->
              StepFault.done()
                  || (StepFault.reached().size() >= target && StepFault.response().closed()));
      client.close();
      awaitEnd(where);
      List<UsageRecord> records = gateway.application().ledger().after(before, 10);
      assertThat(records).as(where).hasSizeLessThanOrEqualTo(1);
      assertThat(records)
          .as(where)
          .extracting(UsageRecord::status)
          .isSubsetOf(Status.CANCELLED, Status.SUCCESS);
      if (admitted(steps, step)) {
        assertThat(records).as(where).hasSize(1);
      }
    }
  }

  @Test
  void aProviderThatLeavesItsAnswerOpenDoesNotStopTheServer() throws Exception {
    List<String> steps = steps(Kind.STREAM);
    int received =
        IntStream.range(0, steps.size())
            .filter(i -> steps.get(i).startsWith("provider-openai "))
            .max()
            .orElseThrow();
    StepFault.arm(received + 2, StepFault::fail);
    try (RawConnection client = gateway.connect()) {
      String lingering = Kind.STREAM.body().replace("[[script ", "[[script linger=1 ");
      client.write(RawConnection.request(Kind.STREAM.path, key, lingering, "Connection: close"));

      assertThat(answer(client, "lingering")).isNotEmpty();
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(200);
      awaitEnd("lingering");
    } finally {
      gateway.provider().release();
    }
  }

  /** The steps of a successful request of this kind. */
  private static List<String> steps(Kind kind) throws IOException {
    StepFault.arm(0, null);
    try (RawConnection client = gateway.connect()) {
      send(client, kind);
      assertThat(answer(client, kind.name())).startsWith("HTTP/1.1 200 ");
    }
    awaitEnd(kind.name());
    List<String> steps = StepFault.reached();
    assertThat(steps).hasSizeGreaterThan(15);
    assertThat(steps.stream().anyMatch(step -> step.startsWith("cache-replay ")))
        .isEqualTo(kind == Kind.STORED);
    return steps;
  }

  /** Whether the request is in the ledger when this step begins. */
  private static boolean admitted(List<String> steps, int step) {
    // The first step of gate-admit reserves, the second one admits.
    return steps.subList(0, step - 1).stream()
            .filter(name -> name.startsWith("gate-admit "))
            .count()
        == 2;
  }

  private static void send(RawConnection client, Kind kind) throws IOException {
    client.write(RawConnection.request(kind.path, key, kind.body(), "Connection: close"));
  }

  private static String answer(RawConnection client, String where) throws IOException {
    try {
      return client.readAll();
    } catch (SocketTimeoutException e) {
      throw new AssertionError("No end of the answer: " + where, e);
    }
  }

  private static void leave(RawConnection client) {
    try {
      client.close();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    await("closed", () -> StepFault.response().closed());
  }

  private static void awaitEnd(String where) {
    await(where, StepFault::done);
    await(where, () -> count("select count(*) from request where sequence is null") == 0);
    await(where, () -> count("select count(*) from conversation where answer is null") == 0);
    await(where, () -> gateway.application().answerMemory().taken() == 0);
    await(where, () -> gateway.application().bodyReader().budget().free() == freeForBodies);
    await(where, () -> gateway.application().providerConnections().leased() == 0);
    await(where, () -> gateway.application().limits().underWay() == 0);
  }

  private static void await(String where, Callable<Boolean> condition) {
    Awaitility.await(where).pollDelay(Duration.ZERO).pollInterval(POLL).until(condition);
  }

  private static long count(String sql) {
    return gateway
        .application()
        .ledger()
        .read(connection -> {
          try (Statement statement = connection.createStatement();
              ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return result.getLong(1);
          }
        });
  }
}
