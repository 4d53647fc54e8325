package dev.llmproxy.migration;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a {@code config.yaml} of LiteLLM's proxy. Source of the format: LiteLLM's documentation,
 * pages proxy/configs, proxy/config_settings and proxy/config_management.
 */
public final class LiteLlmImport {
  /** The sections of a file and what becomes of those without an equivalent. */
  private static final Map<String, String> OTHER_SECTIONS =
      Map.of(
          "mcp_servers",
          "list the servers in a JSON file and name it in MCP_SERVERS (docs/add-a-tool.md)",
          "guardrails",
          "guards refuse, redact or mark prompts and answers (docs/guards.md)",
          "callback_settings",
          "usage is in the ledger, the workbook and the management pages (docs/workbook.md)",
          "prompts",
          "a name of a model may carry a prompt with variables (docs/prompts.md)",
          "search_tools",
          "web search is a tool of the server (docs/tools.md)");

  private final ImportPlan plan = new ImportPlan("LiteLLM");
  private final Connections connections;
  private final Aliases aliases = new Aliases();

  private LiteLlmImport(Path home) {
    connections = new Connections(home, plan);
  }

  /**
   * Reads a file and those that it includes.
   *
   * @param home the folder with {@code providers/}
   * @throws ImportException when a file cannot be read or is no configuration; with file and line
   */
  public static ImportPlan read(Path home, Path config) {
    LiteLlmImport reading = new LiteLlmImport(home);
    reading.translate(reading.sections(config, new HashSet<>()));
    return reading.plan;
  }

  /** The values of each section by its name, in the order of the files. */
  private Map<String, List<YamlValue>> sections(Path file, Set<Path> read) {
    Map<String, List<YamlValue>> sections = new LinkedHashMap<>();
    if (!read.add(file.toAbsolutePath().normalize())) {
      return sections;
    }
    YamlValue root = YamlValue.read(file);
    if (root == null) {
      throw new ImportException(file + " is empty");
    }
    root.entries()
        .forEach((name, value) -> {
          if (name.equals("include")) {
            for (YamlValue included : value.oneOrMore()) {
              Path path = file.toAbsolutePath().resolveSibling(included.text());
              sections(path, read)
                  .forEach((section, values) ->
                      sections.computeIfAbsent(section, each -> new ArrayList<>()).addAll(values));
            }
          } else {
            sections.computeIfAbsent(name, each -> new ArrayList<>()).add(value);
          }
        });
    return sections;
  }

  private void translate(Map<String, List<YamlValue>> sections) {
    if (!sections.containsKey("model_list")) {
      throw new ImportException(
          "the file has no model_list; is it a config.yaml of LiteLLM's proxy?");
    }
    LiteLlmSettings settings = new LiteLlmSettings(plan, aliases);
    Map<String, YamlValue> variables =
        byName(sections.getOrDefault("environment_variables", List.of()));
    LiteLlmModels models =
        new LiteLlmModels(
            plan, connections, aliases, credentials(sections.remove("credential_list")));
    sections.remove("model_list").stream()
        .flatMap(list -> list.items().stream())
        .forEach(models::add);
    settings.read(sections);
    sections.forEach((name, values) -> {
      if (!LiteLlmSettings.SECTIONS.contains(name)) {
        plan.note(
            values.getFirst(), name, OTHER_SECTIONS.getOrDefault(name, "it has no equivalent"));
      }
    });
    connections.assign();
    aliases.write(connections, plan);
    variables(variables);
  }

  /** The values of the file's own variables that the result refers to. */
  private void variables(Map<String, YamlValue> variables) {
    variables.forEach((name, value) -> {
      Text text = Text.of(value.text());
      if (text == null || text.literal() == null) {
        return;
      }
      if (plan.needs().remove(name) != null) {
        plan.secret(name, text.literal());
      } else {
        plan.note(value, "environment_variables." + name, "nothing that was imported uses it");
      }
    });
  }

  private static Map<String, YamlValue> byName(List<YamlValue> maps) {
    Map<String, YamlValue> all = new LinkedHashMap<>();
    maps.forEach(map -> all.putAll(map.entries()));
    return all;
  }

  private static Map<String, Map<String, YamlValue>> credentials(List<YamlValue> lists) {
    Map<String, Map<String, YamlValue>> credentials = new LinkedHashMap<>();
    for (YamlValue list : lists == null ? List.<YamlValue>of() : lists) {
      for (YamlValue each : list.items()) {
        YamlValue values = each.get("credential_values");
        if (each.text("credential_name") != null && values != null) {
          credentials.put(each.text("credential_name"), values.entries());
        }
      }
    }
    return credentials;
  }
}
