package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Gateway;
import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.mcp.McpServersFile;
import dev.llmproxy.tool.ToolResult.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tries the examples of docs/add-a-tool.md. */
class AddAToolPageTest {
  @TempDir Path folder;

  private String page;
  private String file;
  private String name;
  private String arguments;
  private String result;

  @BeforeEach
  void read() throws IOException {
    page = Files.readString(Path.of("docs/add-a-tool.md"));
    file = found(page, "`routes/(tool-[a-z-]+\\.camel\\.yaml)`");
    name = file.replace("tool-", "").replace(".camel.yaml", "").replace('-', '_');
    arguments = found(page, "(?s)```json\\n(.*?)```").strip();
    result = found(page, "(?s)```text\\n(.*?)\\n```");
  }

  @Test
  void theToolOfThePageGivesItsResult() throws Exception {
    write(folder);

    try (Tools tools = Tools.start(folder, Map.of())) {
      Awaitility.await().until(() -> tools.catalogue().find(name).isPresent());
      ToolResult answer = tools.run(new ToolCall("call_1", name, arguments));

      assertThat(answer.status()).as(answer.content()).isEqualTo(Status.COMPLETED);
      assertThat(answer.content()).isEqualTo(result);
      assertThat(tools.run(new ToolCall("call_2", name, "{}")).status()).isEqualTo(Status.FAILED);
    }
  }

  @Test
  void theMcpServersFileOfThePageIsValid() throws Exception {
    Path servers = folder.resolve(found(page, "This one is `(mcp\\.json)`"));
    Files.writeString(servers, found(page, "(?s)```json\\n(\\{\\s*\"mcpServers.*?)```"));
    Map<String, String> environment = new HashMap<>();
    environment.put("MCP_SERVERS", servers.toString());
    environment.put("WEATHER_TOKEN", "w");

    assertThatThrownBy(() -> McpServersFile.check(Settings.load(Path.of(""), environment)))
        .hasMessageContaining("needs ISSUES_TOKEN");
    environment.put("ISSUES_TOKEN", "i");
    McpServersFile.check(Settings.load(Path.of(""), environment));
  }

  @Test
  void theChatOfThePageGetsTheToolsResult() throws Exception {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    write(home.resolve("routes"));
    ObjectNode request =
        (ObjectNode) Json.parse(found(page, "(?s)```json\\n(\\{\\s+\"model\".*?)```"));
    ((ObjectNode) request.at("/messages/0"))
        .put("content", "[[script calls='%s %s']]".formatted(name, arguments));

    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), Map.of())) {
      JsonNode completion =
          Gateway.json(gateway.post(gateway.createKey("ann@example.com"), Json.text(request)));

      assertThat(completion.at("/tool_notifications/1/status").asText()).isEqualTo("completed");
      assertThat(completion.at("/choices/0/message/content").asText())
          .isEqualTo("The tool said: " + result);
      JsonNode offered = gateway.provider().requests().getFirst().body().at("/tools/0/function");
      assertThat(offered.path("name").asText()).isEqualTo(name);
      assertThat(page).contains("description: " + offered.path("description").asText());
    }
  }

  private void write(Path routes) throws IOException {
    Files.writeString(routes.resolve(file), found(page, "(?s)```yaml\\n(.*?)```"));
  }

  private static String found(String page, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(page);
    assertThat(matcher.find()).as(pattern).isTrue();
    return matcher.group(1);
  }
}
