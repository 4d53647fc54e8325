package dev.llmproxy.mcp;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.McpEmulator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ends a llmproxy process with SIGTERM. */
class StoppedServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  @TempDir private Path folder;

  @Test
  void theProgramsOfMcpServersEndWithTheServer() throws Exception {
    List<String> command = McpEmulator.command();
    ObjectNode file = Json.object();
    ObjectNode entry = file.putObject("mcpServers").putObject("s");
    entry.put("command", command.getFirst());
    ArrayNode arguments = entry.putArray("args");
    command.subList(1, command.size()).forEach(arguments::add);
    Path heard = folder.resolve("heard.log");
    entry.putObject("env").put(McpEmulator.LOG, heard.toString());
    Path servers = Files.writeString(folder.resolve("mcp.json"), Json.text(file));

    ProcessBuilder builder =
        new ProcessBuilder(
            command.getFirst(),
            "-cp",
            System.getProperty("java.class.path"),
            "dev.llmproxy.cli.LlmProxyCommand",
            "start");
    builder.environment().put("PORT", "0");
    builder.environment().put("HOST", "127.0.0.1");
    builder.environment().put("LLMPROXY_DATA", folder.resolve("data").toString());
    builder.environment().put("LOCAL_MODEL", "off");
    builder.environment().put("MCP_SERVERS", servers.toString());
    Path log = folder.resolve("log");
    Process server = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      Awaitility.await()
          .atMost(PATIENCE)
          .until(() ->
              Files.readString(log).contains("llmproxy is ready")
                  && Files.exists(heard)
                  && Files.readString(heard).contains("tools/list"));
      List<ProcessHandle> programs = server.descendants().toList();
      assertThat(programs).isNotEmpty();

      server.destroy();

      assertThat(server.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(Files.readString(log)).contains("llmproxy has stopped.");
      Awaitility.await().until(() -> programs.stream().noneMatch(ProcessHandle::isAlive));
    } finally {
      server.descendants().forEach(ProcessHandle::destroyForcibly);
      server.destroyForcibly();
    }
  }
}
