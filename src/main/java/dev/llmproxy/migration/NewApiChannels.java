package dev.llmproxy.migration;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.migration.Aliases.Deployment;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Translates new-api's channels. Source of the types and addresses: new-api's {@code
 * constant/channel.go}.
 */
final class NewApiChannels {
  /**
   * What a type of channel becomes.
   *
   * @param name new-api's name of the type
   * @param template the provider file
   * @param address the base URL when the channel has none; null for the template's
   * @param suffix what the channel's own base URL lacks, e.g. /v1
   */
  private record Type(String name, String template, String address, String suffix) {}

  private static final String ENABLED = "1";
  private static final String V1 = "/v1";
  private static final int AZURE = 3;
  private static final Map<Integer, Type> TYPES = new TreeMap<>();

  static {
    type(1, "OpenAI", "openai", null, V1);
    type(AZURE, "Azure", "azure", null, "/openai/v1");
    type(4, "Ollama", "ollama", "http://localhost:11434", "");
    compatible(6, "OpenAIMax", "https://api.openaimax.com/v1", V1);
    compatible(7, "OhMyGPT", "https://api.ohmygpt.com/v1", V1);
    compatible(8, "Custom", null, "");
    compatible(10, "AIProxy", "https://api.aiproxy.io/v1", V1);
    compatible(12, "API2GPT", "https://api.api2gpt.com/v1", V1);
    compatible(13, "AIGC2D", "https://api.aigc2d.com/v1", V1);
    type(14, "Anthropic", "anthropic", null, V1);
    compatible(
        17, "Ali", "https://dashscope.aliyuncs.com/compatible-mode/v1", "/compatible-mode/v1");
    type(20, "OpenRouter", "openrouter", null, V1);
    compatible(22, "FastGPT", "https://fastgpt.run/api/openapi/v1", V1);
    type(24, "Gemini", "gemini", null, "/v1beta");
    type(25, "Moonshot", "moonshot", "https://api.moonshot.cn/v1", V1);
    type(26, "ZhipuV4", "zai", "https://open.bigmodel.cn/api/paas/v4", "/api/paas/v4");
    compatible(27, "Perplexity", "https://api.perplexity.ai", "");
    compatible(31, "LingYiWanWu", "https://api.lingyiwanwu.com/v1", V1);
    type(34, "Cohere", "cohere", null, "/compatibility/v1");
    compatible(35, "MiniMax", "https://api.minimax.chat/v1", V1);
    compatible(38, "Jina", "https://api.jina.ai/v1", V1);
    compatible(40, "SiliconFlow", "https://api.siliconflow.cn/v1", V1);
    type(42, "Mistral", "mistral", null, V1);
    type(43, "DeepSeek", "deepseek", null, "");
    compatible(45, "VolcEngine", "https://ark.cn-beijing.volces.com/api/v3", "/api/v3");
    compatible(46, "BaiduV2", "https://qianfan.baidubce.com/v2", "/v2");
    compatible(47, "Xinference", null, V1);
    type(48, "xAI", "xai", null, V1);
    compatible(53, "Submodel", "https://llm.submodel.ai/v1", V1);
  }

  private final ImportPlan plan;
  private final Connections connections;
  private final Aliases aliases;

  NewApiChannels(ImportPlan plan, Connections connections, Aliases aliases) {
    this.plan = plan;
    this.connections = connections;
    this.aliases = aliases;
  }

  private static void type(
      int number, String name, String template, String address, String suffix) {
    TYPES.put(number, new Type(name, template, address, suffix));
  }

  private static void compatible(int number, String name, String address, String suffix) {
    type(number, name, "compatible", address, suffix);
  }

  /** Adds a row of the table channels. */
  void add(Map<String, String> channel) {
    String place = "channel " + channel.get("id");
    String name = channel.getOrDefault("name", "");
    String what = "channel " + name;
    if (!channel.getOrDefault("status", ENABLED).equals(ENABLED)) {
      plan.note(place, what, "it is switched off");
      return;
    }
    int number = (int) number(channel, "type", 0);
    Type type = TYPES.get(number);
    if (type == null || !connections.has(type.template())) {
      plan.note(
          place,
          "%s of type %d".formatted(what, number),
          "llmproxy speaks the formats of OpenAI, Anthropic and Gemini; for another address with one of them add a provider (docs/add-a-provider.md)");
      return;
    }
    String address = address(channel.get("base_url"), type);
    boolean needsAddress = type.template().equals("compatible") || number == AZURE;
    if (address == null && needsAddress) {
      plan.note(place, what, "it has no base URL");
      return;
    }
    notes(place, what, channel);
    Connection connection =
        new Connection(type.template(), address, keys(place, what, channel.get("key")), Map.of());
    Map<String, String> mapping = mapping(place, what, channel.get("model_mapping"));
    List<String> models = list(channel.getOrDefault("models", ""));
    if (models.isEmpty()) {
      plan.note(place, what, "it lists no models");
    }
    for (String model : models) {
      String upstream = mapping.getOrDefault(model, model);
      connections.add(connection, OwnModel.named(upstream));
      aliases
          .group(model, place)
          .add(
              new Deployment(
                  connection,
                  upstream,
                  // A high priority is asked first.
                  -number(channel, "priority", 0),
                  number(channel, "weight", 0)));
    }
  }

  private void notes(String place, String what, Map<String, String> channel) {
    if (!channel.getOrDefault("group", "default").equals("default")) {
      plan.note(
          place,
          "group %s of %s".formatted(channel.get("group"), what),
          "providers have no groups; the column Models of the sheet Tiers says which models a tier may use");
    }
    Map<String, String> others =
        Map.of(
            "param_override",
            "the field request of a provider file changes requests (docs/add-a-provider.md)",
            "header_override",
            "the field headers of a provider file has headers",
            "status_code_mapping",
            "docs/routing.md has what follows a status",
            "openai_organization",
            "the field headers of a provider file can have OpenAI-Organization");
    new TreeMap<>(others)
        .forEach((column, nearest) -> {
          if (!channel.getOrDefault(column, "{}").equals("{}")) {
            plan.note(place, column + " of " + what, nearest);
          }
        });
  }

  private static String address(String base, Type type) {
    if (base == null) {
      return type.address();
    }
    String address =
        base.strip()
            .replaceFirst("/+$", "")
            .replaceFirst("/(chat/completions|completions|embeddings)$", "");
    return address.endsWith(type.suffix()) ? address : address + type.suffix();
  }

  /** The keys, one a line. */
  private List<Text> keys(String place, String what, String keys) {
    if (keys == null) {
      plan.note(
          place,
          "the key of " + what,
          "GET /api/channel/ does not have it; set the provider's key, or import the database");
      return List.of();
    }
    if (keys.strip().startsWith("[") || keys.strip().startsWith("{")) {
      plan.note(place, "the key of " + what, "it is JSON; set the provider's key yourself");
      return List.of();
    }
    return keys.lines()
        .map(String::strip)
        .filter(key -> !key.isEmpty())
        .map(Text::literal)
        .toList();
  }

  private Map<String, String> mapping(String place, String what, String json) {
    Map<String, String> mapping = new HashMap<>();
    if (json == null) {
      return mapping;
    }
    try {
      JsonNode content = Json.parse(json);
      content.properties().forEach(each -> mapping.put(each.getKey(), each.getValue().asText()));
    } catch (IOException e) {
      plan.note(place, "model_mapping of " + what, "it is not JSON");
    }
    return mapping;
  }

  static List<String> list(String text) {
    return Arrays.stream(text.split(","))
        .map(String::strip)
        .filter(each -> !each.isEmpty())
        .toList();
  }

  private static long number(Map<String, String> row, String column, long missing) {
    try {
      return row.containsKey(column) ? Long.parseLong(row.get(column)) : missing;
    } catch (NumberFormatException e) {
      throw new ImportException(
          "channel %s: %s is `%s`; it must be a whole number"
              .formatted(row.get("id"), column, row.get(column)));
    }
  }
}
