package dev.llmproxy.mcp;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.modelcontextprotocol.json.jackson2.JacksonMcpJsonMapper;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StdioTransportTest {
  private static final int MANY = 10_000;

  @Test
  void theQueueToAProgramIsBounded() throws Exception {
    McpServerEntry.Command deaf =
        new McpServerEntry.Command("s", List.of("sleep", "1000"), Map.of());
    JSONRPCRequest request = new JSONRPCRequest("tools/call", "1", Map.of("text", "x".repeat(500)));
    StdioTransport transport =
        new StdioTransport(
            deaf, new JacksonMcpJsonMapper(new JsonMapper()), Duration.ofMillis(100), () -> {});
    try {
      assertThatThrownBy(
              () -> {
                for (int sent = 0; sent < MANY; sent++) {
                  transport.sendMessage(request).toFuture().get();
                }
              })
          .hasCauseInstanceOf(IOException.class)
          .hasMessageContaining("does not read");
    } finally {
      transport.close();
    }
  }
}
