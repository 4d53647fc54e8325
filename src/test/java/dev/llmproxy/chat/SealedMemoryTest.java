package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.RedisServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Caller;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.redis.Redis;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The memory that servers share in a real Redis. */
class SealedMemoryTest {
  private static final Caller ANN = new Caller("ann@example.com", "Key", "aa", "free");
  private static final Caller BOB = new Caller("bob@example.com", "Key", "bb", "free");

  private static RedisServer server;
  private Redis redis;

  @BeforeAll
  static void startRedis() throws IOException {
    server = RedisServer.start();
  }

  @AfterAll
  static void stopRedis() {
    if (server != null) {
      server.close();
    }
  }

  @BeforeEach
  void connect() {
    redis = new Redis(server.url(), System::nanoTime, "no memory");
    redis.commands().flushall();
  }

  @AfterEach
  void close() {
    redis.close();
  }

  private SealedMemory memory(Duration life) {
    byte[] secret = new byte[32];
    Arrays.fill(secret, (byte) 7);
    return new SealedMemory(redis, new ReasoningSeal(secret), "test", life);
  }

  @Test
  void textIsFoundByItsCallerAloneAndIsNotReadableInRedis() {
    SealedMemory memory = memory(Duration.ofHours(1));
    memory.keep(ANN, "k", "a private text");

    assertThat(memory.find(ANN, "k")).isEqualTo("a private text");
    assertThat(memory.find(BOB, "k")).isNull();
    assertThat(memory.findAll(ANN, List.of("none", "k"))).containsExactly(null, "a private text");
    byte[] stored = redis.commands().get("llmproxy:test:k");
    assertThat(new String(stored, StandardCharsets.US_ASCII)).doesNotContain("private");
    // A value under another key is not that key's.
    redis.commands().set("llmproxy:test:other", stored);
    assertThat(memory.find(ANN, "other")).isNull();
  }

  @Test
  void forgottenTextIsEmptyForAllAndOneWithoutUseExpires() {
    SealedMemory memory = memory(Duration.ofHours(1));
    memory.keep(ANN, "k", "text");
    assertThat(redis.commands().pttl("llmproxy:test:k")).isBetween(3_500_000L, 3_600_000L);
    redis.commands().pexpire("llmproxy:test:k", 60_000);
    memory.find(ANN, "k");
    assertThat(redis.commands().pttl("llmproxy:test:k")).as("after a use").isGreaterThan(3_500_000);

    memory.forget("k");
    assertThat(memory.find(ANN, "k")).isEmpty();
  }

  @Test
  void anotherServerHasTheTurnsWithTheClientsCalls() {
    ToolMemory here = new ToolMemory(memory(ToolMemory.LIFE));
    ToolMemory there = new ToolMemory(memory(ToolMemory.LIFE));
    ArrayNode calls = Json.array().add("call_1");
    ArrayNode turn = Json.array().add(Json.object().put("signature", "s"));
    ChatCall chat = chat();

    assertThat(there.turn(chat, Json.array().add("call_0"))).isNull();
    here.keepTurn(chat, calls, turn);
    assertThat(there.turn(chat, calls)).isEqualTo(turn);
    assertThat(new ToolMemory().turn(chat, calls)).as("without the shared memory").isNull();
  }

  private static ChatCall chat() {
    ChatRequest request =
        ChatRequest.parse(
            "{\"model\":\"openai/gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
                .getBytes(StandardCharsets.UTF_8));
    return new ChatCall(
        "req_1",
        ANN,
        request,
        new ProviderCatalogue(Settings.load(Path.of(""), Map.of("OPENAI_API_KEY", "own-secret")))
            .target(request.model()),
        Instant.EPOCH,
        new Accumulator());
  }
}
