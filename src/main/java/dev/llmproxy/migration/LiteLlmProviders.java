package dev.llmproxy.migration;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Finds how LiteLLM's providers are reached. */
final class LiteLlmProviders {
  /** LiteLLM's providers with a file of another name. */
  private static final Map<String, String> TEMPLATES =
      Map.ofEntries(
          Map.entry("together_ai", "together"),
          Map.entry("fireworks_ai", "fireworks"),
          Map.entry("cohere_chat", "cohere"),
          Map.entry("codestral", "mistral"),
          Map.entry("ollama_chat", "ollama"),
          Map.entry("hosted_vllm", "vllm"),
          Map.entry("lm_studio", "lmstudio"),
          Map.entry("nvidia_nim", "nvidia"),
          Map.entry("vertex_ai", "vertex"),
          Map.entry("vertex_ai_beta", "vertex"),
          Map.entry("text-completion-openai", "openai"));

  /** The provider that LiteLLM infers from a name without one. */
  private static final Map<Pattern, String> INFERRED =
      Map.of(
          Pattern.compile("(gpt-|chatgpt-|o[134]\\b|text-embedding-|dall-e|whisper|tts-).*"),
          "openai",
          Pattern.compile("claude-.*"),
          "anthropic",
          Pattern.compile("gemini-.*"),
          "vertex_ai",
          Pattern.compile("command-.*"),
          "cohere");

  private static final Pattern AZURE_DEPLOYMENT =
      Pattern.compile("(https?://[^/]+)(/openai)?(/.*)?", Pattern.CASE_INSENSITIVE);

  private final ImportPlan plan;
  private final Connections connections;

  LiteLlmProviders(ImportPlan plan, Connections connections) {
    this.plan = plan;
    this.connections = connections;
  }

  /** The provider of a name without one, as LiteLLM infers it; null when it is unknown. */
  static String inferred(String model) {
    return INFERRED.entrySet().stream()
        .filter(each -> each.getKey().matcher(model).matches())
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(null);
  }

  /** The provider's own name of a model. */
  static String modelId(String provider, String upstream) {
    if (provider.equals("bedrock")) {
      return upstream.replaceFirst("^(converse|invoke|converse_like)/", "");
    }
    return provider.startsWith("vertex_ai") && !upstream.contains("/")
        ? "google/" + upstream
        : upstream;
  }

  /** How the deployment is reached; null when it cannot be, which is noted. */
  Connection connection(
      YamlValue entry, String name, String provider, Map<String, YamlValue> params) {
    Text base = Text.of(LiteLlmModels.text(params, "api_base", "base_url"));
    Text key = Text.of(LiteLlmModels.text(params, "api_key"));
    String template = TEMPLATES.getOrDefault(provider, provider);
    return switch (template) {
      case "azure" -> azure(base, key, params);
      case "bedrock" -> bedrock(entry, name, params);
      case "vertex" -> vertex(entry, name, params);
      case "openai" ->
          base == null ? Connection.to(template, null, key) : ownServer(entry, name, base, key);
      default -> {
        if (connections.has(template) && !template.equals("local")) {
          yield Connection.to(template, base == null ? null : base.reference(), key);
        }
        if (base != null) {
          yield ownServer(entry, name, base, key);
        }
        plan.note(
            entry,
            "model %s of LiteLLM's provider %s".formatted(name, provider),
            "llmproxy has no file for this provider; add one (docs/add-a-provider.md)");
        yield null;
      }
    };
  }

  /** A server that speaks OpenAI's format; OpenAI's own address is the provider openai. */
  private Connection ownServer(YamlValue entry, String name, Text base, Text key) {
    if ("https://api.openai.com/v1".equals(base.reference().replaceFirst("/+$", ""))) {
      return Connection.to("openai", null, key);
    }
    if (key == null) {
      plan.note(
          entry,
          "the key of " + name,
          "LiteLLM sends OPENAI_API_KEY to this server; llmproxy sends a key only when the server's own setting has one");
    }
    return Connection.to("compatible", base.reference(), key);
  }

  private Connection azure(Text base, Text key, Map<String, YamlValue> params) {
    if (params.containsKey("api_version")) {
      plan.note(
          params.get("api_version"),
          "api_version",
          "llmproxy uses Azure's API v1, which has no version");
    }
    String address =
        base == null
            ? "{{AZURE_API_BASE}}"
            : base.literal() == null
                ? base.reference()
                : AZURE_DEPLOYMENT.matcher(base.literal()).replaceFirst("$1");
    return Connection.to(
        "azure", address + "/openai/v1", key == null ? Text.variable("AZURE_API_KEY") : key);
  }

  private Connection bedrock(YamlValue entry, String name, Map<String, YamlValue> params) {
    plan.note(
        entry,
        "AWS credentials of " + name,
        "llmproxy uses Bedrock's OpenAI-compatible endpoint with an API key of Bedrock; AWS access keys and models that the endpoint lacks cannot be used");
    Text region = Text.of(LiteLlmModels.text(params, "aws_region_name"));
    return new Connection(
        "bedrock",
        null,
        List.of(Text.variable("AWS_BEARER_TOKEN_BEDROCK")),
        Map.of("AWS_REGION", region == null ? Text.variable("AWS_REGION") : region));
  }

  private Connection vertex(YamlValue entry, String name, Map<String, YamlValue> params) {
    String model = LiteLlmModels.text(params, "model");
    if (model.contains("claude") || model.contains("/mistral") || model.contains("imagen")) {
      plan.note(
          entry,
          "model %s on Vertex AI".formatted(name),
          "Vertex AI's OpenAI-compatible endpoint does not have it");
      return null;
    }
    Map<String, Text> settings = new HashMap<>();
    settings.put("VERTEX_PROJECT", setting(params, "vertex_project", "VERTEXAI_PROJECT"));
    settings.put("VERTEX_LOCATION", setting(params, "vertex_location", "VERTEXAI_LOCATION"));
    Text credentials = Text.of(LiteLlmModels.text(params, "vertex_credentials"));
    if (credentials == null) {
      settings.put("VERTEX_CREDENTIALS", Text.variable("GOOGLE_APPLICATION_CREDENTIALS"));
    } else if (credentials.literal() != null && credentials.literal().startsWith("{")) {
      plan.note(
          params.get("vertex_credentials"),
          "vertex_credentials of " + name,
          "store the JSON as a file that only the server can read, and name it in VERTEX_CREDENTIALS");
    } else {
      settings.put("VERTEX_CREDENTIALS", credentials);
    }
    return new Connection("vertex", null, List.of(), settings);
  }

  private static Text setting(Map<String, YamlValue> params, String name, String usual) {
    Text text = Text.of(LiteLlmModels.text(params, name));
    return text == null ? Text.variable(usual) : text;
  }
}
