package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.Settings;
import dev.llmproxy.mcp.McpServersFile;
import dev.llmproxy.tool.ToolResult.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Does what docs/add-a-tool.md says: its file, its call, its result. */
class AddAToolPageTest {
  @TempDir Path folder;

  @Test
  void thePagesToolRunsAsThePageSays() throws Exception {
    String page = Files.readString(Path.of("docs/add-a-tool.md"));
    String file = found(page, "`routes/(tool-[a-z-]+\\.camel\\.yaml)`");
    Files.writeString(folder.resolve(file), found(page, "(?s)```yaml\\n(.*?)```"));
    String[] call = found(page, "(?s)```json\\n(.*?)```").split("\\R", -1);
    String result = found(page, "(?s)```text\\n(.*?)\\n```");

    try (Tools tools = Tools.start(folder, Map.of())) {
      String name = file.replace("tool-", "").replace(".camel.yaml", "").replace('-', '_');
      Awaitility.await().until(() -> tools.catalogue().find(name).isPresent());
      ToolResult answer = tools.run(new ToolCall("call_1", name, call[0]));

      assertThat(answer.status()).as(answer.content()).isEqualTo(Status.COMPLETED);
      assertThat(answer.content()).isEqualTo(result);
      assertThat(tools.run(new ToolCall("call_2", name, "{}")).status()).isEqualTo(Status.FAILED);
    }
  }

  @Test
  void thePagesMcpServersAreWhatTheFileMayHold() throws Exception {
    String page = Files.readString(Path.of("docs/add-a-tool.md"));
    Path file = folder.resolve(found(page, "This one is `(mcp\\.json)`"));
    Files.writeString(file, found(page, "(?s)```json\\n(\\{\\s*\"mcpServers.*?)```"));
    Map<String, String> environment = new HashMap<>();
    environment.put("MCP_SERVERS", file.toString());
    environment.put("WEATHER_TOKEN", "w");

    assertThatThrownBy(() -> McpServersFile.check(Settings.load(Path.of(""), environment)))
        .hasMessageContaining("needs ISSUES_TOKEN");
    environment.put("ISSUES_TOKEN", "i");
    McpServersFile.check(Settings.load(Path.of(""), environment));
  }

  private static String found(String page, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(page);
    assertThat(matcher.find()).as(pattern).isTrue();
    return matcher.group(1);
  }
}
