package dev.llmproxy;

import static dev.llmproxy.Responses.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.RevokedKeys;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What servers with one PostgreSQL and one Redis know of each other at once. */
class SharedMemoryRouteTest {
  private static Path folder;
  private static RedisServer redis;
  private static EmbeddedWorkbook workbook;
  private static Map<String, String> settings;
  private static Gateway one;
  private static Gateway other;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path files) throws IOException {
    folder = files;
    redis = RedisServer.start();
    workbook = EmbeddedWorkbook.open(folder.resolve("workbook"), 0);
    settings = new HashMap<>();
    settings.put("DATABASE_URL", PostgresServer.shared().newDatabase());
    settings.put("REDIS_URL", redis.url());
    settings.put("SHEETS_ROOT_URL", workbook.rootUrl());
    one = Gateway.start(folder.resolve("one"), settings);
    other = Gateway.start(folder.resolve("other"), settings);
    key = one.createKey("memory@example.com");
    other.awaitKnown(key, true);
  }

  @AfterAll
  static void stop() {
    if (other != null) {
      one.close();
      other.close();
      workbook.close();
      redis.close();
    }
  }

  private static ObjectNode after(JsonNode response, String input) {
    return request(input).put("previous_response_id", response.path("id").asText());
  }

  @Test
  void keyRevokedOnOneServerIsRefusedByAllAndByThoseThatStartLater() {
    String revoked = one.createKey("revoked@example.com");
    other.awaitKnown(revoked, true);

    // As revoke-key does when it cannot change the sheet.
    new RevokedKeys(folder.resolve("one")).add(ApiKey.hash(revoked));

    await().until(() -> one.get("/v1/models", revoked).statusCode() == 401);
    await().until(() -> other.get("/v1/models", revoked).statusCode() == 401);
    try (Gateway later = Gateway.start(folder.resolve("later"), settings)) {
      assertThat(later.get("/v1/models", revoked).statusCode()).isEqualTo(401);
      assertThat(later.get("/v1/models", key).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void anotherServerGoesOnWithAResponseAndForgetsItForAll() {
    Responses here = new Responses(one, key);
    Responses there = new Responses(other, key);
    JsonNode first = here.streamed(request("one"));
    JsonNode second = there.whole(after(first, "two"));
    here.whole(after(second, "three"));

    assertThat(here.messages())
        .isEqualTo(
            ToolChats.json(
                """
                [{"role":"user","content":"one"},{"role":"assistant","content":"You said: one"},
                 {"role":"user","content":"two"},{"role":"assistant","content":"You said: two"},
                 {"role":"user","content":"three"}]\
                """));
    String path = "/v1/responses/" + first.path("id").asText();
    String stranger = other.createKey("memory@example.com");
    assertThat(other.get(path, stranger).statusCode()).as("with another key").isEqualTo(404);
    assertThat(other.send(other.request(path, key).DELETE().build()).statusCode()).isEqualTo(200);
    assertThat(one.get(path, key).statusCode()).isEqualTo(404);
    assertThat(here.post(after(second, "four")).statusCode())
        .as("a turn is missing")
        .isEqualTo(400);
  }

  @Test
  void allServersHaveOneSecretAlsoInTheirDataFolders() throws IOException {
    assertThat(Files.readString(folder.resolve("one/reasoning.secret")))
        .isEqualTo(Files.readString(folder.resolve("other/reasoning.secret")));
  }

  @Test
  void withoutRedisTheServerThatAnsweredStillRemembersAndNoRequestFails() throws Exception {
    Responses here = new Responses(one, key);
    JsonNode first = here.whole(request("before"));
    redis.kill();
    try {
      JsonNode second = here.whole(after(first, "during"));
      assertThat(here.whole(after(second, "again")).path("status").asText()).isEqualTo("completed");
      assertThat(new Responses(other, key).post(after(first, "there")).statusCode()).isEqualTo(400);
    } finally {
      redis.resume();
    }
    await()
        .untilAsserted(() -> {
          JsonNode fresh = here.whole(request("after"));
          assertThat(new Responses(other, key).post(after(fresh, "there")).statusCode())
              .isEqualTo(200);
        });
  }
}
