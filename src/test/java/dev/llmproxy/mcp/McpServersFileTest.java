package dev.llmproxy.mcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Settings.SettingException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class McpServersFileTest {
  @TempDir Path folder;

  @Test
  void withoutTheSettingThereAreNoServers() {
    assertThat(McpServersFile.read(Settings.load(Path.of(""), Map.of()))).isEmpty();
  }

  @Test
  void environmentVariablesAreReplacedInUrlHeadersAndEnv() throws Exception {
    List<McpServerEntry> entries =
        read(
            """
            {"mcpServers": {
              "files": {"type": "stdio", "command": "npx", "args": ["-y", "${TOKEN}"], "env": {"KEY": "a${TOKEN}b"}},
              "off": {"command": "x", "env": {"KEY": "${NOT_SET}"}, "disabled": true},
              "web": {"type": "http", "url": "https://${PLACE}/mcp?a=b", "headers": {"Authorization": "Bearer ${TOKEN}"}}
            }}
            """);

    assertThat(entries)
        .containsExactly(
            new McpServerEntry.Command(
                "files", List.of("npx", "-y", "${TOKEN}"), Map.of("KEY", "as$cret\\b")),
            new McpServerEntry.Address(
                "web",
                URI.create("https://mcp.example.com/mcp?a=b"),
                Map.of("Authorization", "Bearer s$cret\\")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"mcpServers": {                                              | not valid JSON
          {"mcpServers": {"a": {"command": "x"}, "a": {"command": "y"}}} | or repeats a name
          []                                                            | one member mcpServers
          {"servers": {}}                                               | one member mcpServers
          {"mcpServers": {"a": {}}}                                     | the server "a" must have either command or url
          {"mcpServers": {"a": {"command": "x", "url": "http://h"}}}    | either command or url
          {"mcpServers": {"a": {"command": "x", "arg": []}}}            | has "arg"; with command it may have args, env
          {"mcpServers": {"a": {"url": "http://h", "env": {}}}}         | has "env"; with url it may have headers
          {"mcpServers": {"a": {"command": ["x"]}}}                     | a value that is not a text in command
          {"mcpServers": {"a": {"command": " "}}}                       | empty command
          {"mcpServers": {"a": {"command": "x", "args": "y"}}}          | args that are not a list
          {"mcpServers": {"a": {"command": "x", "args": [1]}}}          | a value that is not a text in args
          {"mcpServers": {"a": {"command": "x", "env": []}}}            | env that are not an object
          {"mcpServers": {"a": {"command": "x", "env": {"A": 1}}}}      | a value that is not a text in env.A
          {"mcpServers": {"a": {"command": "x", "env": {"A=": ""}}}}    | an invalid name in env
          {"mcpServers": {"a": {"command": "x", "disabled": "no"}}}     | neither true nor false
          {"mcpServers": {"a": {"command": "x", "env": {"A": "${NOT_SET}"}}}}  | needs NOT_SET for env.A, which is not set
          {"mcpServers": {"a": {"command": "x", "env": {"A": "${TOKEN"}}}}     | ${ that is not followed
          {"mcpServers": {"a": {"url": "ftp://h/"}}}                    | begin with http:// or https://
          {"mcpServers": {"a": {"url": "http://a b/"}}}                 | not an address
          {"mcpServers": {"a": {"url": "https://u:p@h/"}}}              | a user in its url
          {"mcpServers": {"a": {"url": "https://h/", "type": "sse"}}}   | the type "sse"
          {"mcpServers": {"a": {"url": "https://h/", "headers": {"Host": "x"}}}} | the header "Host"
          {"mcpServers": {"a b": {"command": "x"}, "a.b": {"command": "x"}}}     | the same names
          """)
  void mistakesAreReportedWithFileAndServerAndWithoutSecrets(String file, String problem)
      throws Exception {
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(SettingException.class)
        .hasMessageStartingWith("MCP_SERVERS: " + folder)
        .hasMessageContaining(problem)
        .hasMessageNotContaining("s$cret");
  }

  @Test
  void aMissingFileIsReported() {
    Settings settings =
        Settings.load(Path.of(""), Map.of("MCP_SERVERS", folder.resolve("none.json").toString()));

    assertThatThrownBy(() -> McpServersFile.check(settings))
        .isInstanceOf(SettingException.class)
        .hasMessageContaining("cannot read")
        .hasMessageContaining("none.json");
  }

  private List<McpServerEntry> read(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("mcp.json"), text);
    return McpServersFile.read(
        Settings.load(
            Path.of(""),
            Map.of(
                "MCP_SERVERS", file.toString(), "TOKEN", "s$cret\\", "PLACE", "mcp.example.com")));
  }
}
