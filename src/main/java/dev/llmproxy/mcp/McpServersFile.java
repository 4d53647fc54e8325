package dev.llmproxy.mcp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Settings.SettingException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The file that {@code MCP_SERVERS} names, in the form that MCP clients use: an object {@code
 * mcpServers} with an entry for each server. {@code ${NAME}} in a URL, a header or a variable is
 * replaced by a setting or an environment variable.
 */
public final class McpServersFile {
  private static final String SETTING = "MCP_SERVERS";
  private static final Set<String> OF_COMMANDS =
      Set.of("type", "disabled", "command", "args", "env");
  private static final Set<String> OF_ADDRESSES = Set.of("type", "disabled", "url", "headers");
  private static final Set<String> HTTP_TYPES = Set.of("http", "streamable-http", "streamableHttp");
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}");
  private static final JsonMapper STRICT =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final Settings settings;
  private final Path file;

  private McpServersFile(Settings settings, Path file) {
    this.settings = settings;
    this.file = file;
  }

  /**
   * Reads the entries in the order of the file; none when the setting is empty.
   *
   * @throws SettingException when the file is invalid; names the file and the entry
   */
  static List<McpServerEntry> read(Settings settings) {
    return settings.find(SETTING).isEmpty()
        ? List.of()
        : new McpServersFile(settings, settings.path(SETTING)).entries();
  }

  /**
   * Checks the file as the start does, but does not connect.
   *
   * @throws SettingException when the file is invalid; names the file and the entry
   */
  public static void check(Settings settings) {
    read(settings);
  }

  private List<McpServerEntry> entries() {
    JsonNode root = parsed();
    if (!root.path("mcpServers").isObject() || root.size() != 1) {
      throw wrong("it must be an object with the one member mcpServers, which is an object too");
    }
    List<McpServerEntry> entries = new ArrayList<>();
    Map<String, String> named = new TreeMap<>();
    for (Map.Entry<String, JsonNode> member : root.get("mcpServers").properties()) {
      String name = member.getKey();
      if (name.isBlank()) {
        throw wrong("a server has no name");
      }
      String other = named.put(ToolNames.letters(name), name);
      if (other != null) {
        throw wrong(
            "the tools of the servers %s and %s would have the same names".formatted(other, name));
      }
      entry(name, member.getValue()).ifPresent(entries::add);
    }
    return entries;
  }

  private JsonNode parsed() {
    try {
      return STRICT.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      // Jackson's message quotes the file, which may contain secrets.
      throw wrong("it is not valid JSON, or repeats a name, at line " + line);
    } catch (IOException e) {
      throw new SettingException(
          "%s: cannot read %s: %s".formatted(SETTING, file, e.getClass().getSimpleName()));
    }
  }

  /** Empty for a disabled entry. */
  private Optional<McpServerEntry> entry(String name, JsonNode entry) {
    if (!entry.isObject() || entry.has("command") == entry.has("url")) {
      throw wrong(name, "must have either command or url");
    }
    boolean command = entry.has("command");
    Set<String> known = command ? OF_COMMANDS : OF_ADDRESSES;
    entry
        .fieldNames()
        .forEachRemaining(member -> {
          if (!known.contains(member)) {
            throw wrong(
                name,
                "has \"%s\"; with %s it may have %s"
                    .formatted(
                        member,
                        command ? "command" : "url",
                        command ? "args, env, type and disabled" : "headers, type and disabled"));
          }
        });
    type(name, entry.path("type"), command);
    JsonNode disabled = entry.path("disabled");
    if (!disabled.isMissingNode() && !disabled.isBoolean()) {
      throw wrong(name, "has a disabled that is neither true nor false");
    }
    return disabled.asBoolean()
        ? Optional.empty()
        : Optional.of(command ? command(name, entry) : address(name, entry));
  }

  private void type(String name, JsonNode type, boolean command) {
    if (type.isMissingNode()) {
      return;
    }
    boolean right = command ? type.asText().equals("stdio") : HTTP_TYPES.contains(type.asText());
    if (!right) {
      throw wrong(
          name,
          "has the type \"%s\"; it may be stdio, with command, or http, with url (the older sse is not supported)"
              .formatted(type.asText()));
    }
  }

  private McpServerEntry command(String name, JsonNode entry) {
    List<String> line = new ArrayList<>();
    line.add(text(name, "command", entry.get("command")));
    if (line.getFirst().isBlank()) {
      throw wrong(name, "has an empty command");
    }
    JsonNode arguments = entry.path("args");
    if (!arguments.isMissingNode() && !arguments.isArray()) {
      throw wrong(name, "has args that are not a list");
    }
    arguments.forEach(argument -> line.add(text(name, "args", argument)));
    return new McpServerEntry.Command(name, line, texts(name, "env", entry));
  }

  private McpServerEntry address(String name, JsonNode entry) {
    String text = filled(name, "url", text(name, "url", entry.get("url")));
    URI url;
    try {
      url = URI.create(text.strip());
    } catch (IllegalArgumentException e) {
      throw wrong(name, "has a url that is not an address");
    }
    boolean web =
        "http".equalsIgnoreCase(url.getScheme()) || "https".equalsIgnoreCase(url.getScheme());
    if (!web || url.getHost() == null) {
      throw wrong(name, "has a url that does not begin with http:// or https:// and a host");
    }
    if (url.getRawUserInfo() != null) {
      throw wrong(name, "has a user in its url; put credentials into headers");
    }
    Map<String, String> headers = texts(name, "headers", entry);
    headers.forEach((header, value) -> {
      try {
        HttpRequest.newBuilder().header(header, value);
      } catch (IllegalArgumentException e) {
        throw wrong(
            name, "has the header \"%s\", whose name or value cannot be sent".formatted(header));
      }
    });
    return new McpServerEntry.Address(name, url, headers);
  }

  private Map<String, String> texts(String name, String member, JsonNode entry) {
    JsonNode object = entry.path(member);
    if (!object.isMissingNode() && !object.isObject()) {
      throw wrong(name, "has %s that are not an object".formatted(member));
    }
    Map<String, String> texts = new LinkedHashMap<>();
    object
        .properties()
        .forEach(text -> {
          String place = member + "." + text.getKey();
          if (text.getKey().isBlank() || text.getKey().contains("=")) {
            throw wrong(name, "has an invalid name in " + member);
          }
          texts.put(text.getKey(), filled(name, place, text(name, place, text.getValue())));
        });
    return texts;
  }

  private String text(String name, String place, JsonNode value) {
    if (!value.isTextual() || value.textValue().indexOf('\0') >= 0) {
      throw wrong(name, "has a value that is not a text in " + place);
    }
    return value.textValue();
  }

  private String filled(String name, String place, String text) {
    Matcher variables = VARIABLE.matcher(text);
    String filled =
        variables.replaceAll(variable ->
            Matcher.quoteReplacement(
                settings
                    .find(variable.group(1))
                    .orElseThrow(() ->
                        wrong(
                            name,
                            "needs %s for %s, which is not set"
                                .formatted(variable.group(1), place)))));
    if (VARIABLE.matcher(text).replaceAll("").contains("${")) {
      throw wrong(name, "has in %s a ${ that is not followed by a name and a }".formatted(place));
    }
    return filled;
  }

  private SettingException wrong(String name, String problem) {
    return wrong("the server \"%s\" %s".formatted(name, problem));
  }

  private SettingException wrong(String problem) {
    return new SettingException("%s: %s: %s".formatted(SETTING, file, problem));
  }
}
