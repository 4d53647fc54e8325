package dev.llmproxy.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** After whatever a client does, ordinary requests are answered and recorded. */
@Tag("hostile")
class HostileClientTest {
  private static SmallServer server;

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    server = SmallServer.start(folder);
  }

  @AfterAll
  static void stop() throws Exception {
    server.close();
  }

  @AfterEach
  void serves() throws Exception {
    server.assertServes();
  }

  @Test
  void wrongKeysAndBrokenBodies() throws Exception {
    assertThat(server.post("sk-nope", "{}").statusCode()).isEqualTo(401);
    assertThat(server.post(server.key(), "{").statusCode()).isEqualTo(400);
  }
}
