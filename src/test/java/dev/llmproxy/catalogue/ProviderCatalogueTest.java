package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProviderCatalogueTest {
  private static final String GROQ =
      """
      label: Groq
      format: openai
      baseUrl: https://api.groq.example/v1
      models:
        - id: llama-70b
          label: Llama 70B
          contextLength: 131072
          maxOutput: 32768
          abilities: [chat, tools]
          price: {input: 0.59, output: 0.79, from: 2024-12-06, source: https://groq.example}
        - id: openai/gpt-oss
          label: GPT-OSS
      """;
  private static final String COMPATIBLE = "format: openai\n";
  private static final String LOCAL =
      """
      format: local
      local: true
      models:
        - {id: small, label: Small}
      """;

  @TempDir private Path home;

  @BeforeEach
  void writeProviders() throws IOException {
    Files.writeString(home.resolve("application.properties"), "LOCAL_MODEL = on\n");
    Files.createDirectory(home.resolve("providers"));
    write("groq.yaml", GROQ);
    write("my-own.yaml", COMPATIBLE);
    write("local.yaml", LOCAL);
    write("README.md", "no provider");
  }

  @Test
  void providersAreListedByNameIncludingThoseThatAreOff() {
    assertThat(catalogue(Map.of()).providers())
        .extracting(Provider::name, Provider::label, Provider::on)
        .containsExactly(
            tuple("groq", "Groq", false),
            tuple("local", "local", true),
            tuple("my-own", "my-own", false));
  }

  /** Columns: provider, a setting and its value | why the provider is off, its base URL. */
  @ParameterizedTest
  @CsvSource({
    "groq,   GROQ_API_KEY,    gsk-1,               ,                            https://api.groq.example/v1",
    "groq,   GROQ_BASE_URL,   http://127.0.0.1:9/v1/, ,                         http://127.0.0.1:9/v1",
    "groq,   GROQ_API_KEY,    ' ',                 GROQ_API_KEY is not set,     https://api.groq.example/v1",
    "groq,   OTHER,           x,                   GROQ_API_KEY is not set,     https://api.groq.example/v1",
    "my-own, MY_OWN_BASE_URL, http://127.0.0.1:9,  ,                            http://127.0.0.1:9",
    "my-own, MY_OWN_API_KEY,  k,                   MY_OWN_BASE_URL is not set,  ''",
    "my-own, OTHER,           x,                   MY_OWN_BASE_URL is not set,  ''",
    "local,  LOCAL_MODEL,     on,                  ,                            ''",
    "local,  LOCAL_MODEL,     off,                 LOCAL_MODEL is off,          ''",
  })
  void settingsSwitchAProviderOn(
      String name, String setting, String value, String off, String baseUrl) {
    Provider provider =
        catalogue(Map.of(setting, value)).providers().stream()
            .filter(each -> each.name().equals(name))
            .findFirst()
            .orElseThrow();
    assertThat(provider.off()).isEqualTo(off);
    assertThat(provider.on()).isEqualTo(off == null);
    assertThat(provider.baseUrl()).isEqualTo(baseUrl);
  }

  @Test
  void keyIsSentToAnOwnBaseUrlAndNeverPrinted() {
    Provider provider =
        catalogue(Map.of("GROQ_API_KEY", "gsk-1", "GROQ_BASE_URL", "http://127.0.0.1:9"))
            .target("groq/llama-70b")
            .provider();
    assertThat(provider.apiKey()).isEqualTo("gsk-1");
    assertThat(provider.baseUrl()).isEqualTo("http://127.0.0.1:9");
    assertThat(provider.toString()).doesNotContain("gsk-1");
  }

  /** Columns: model id | provider, upstream model, whether it is in the catalogue. */
  @ParameterizedTest
  @CsvSource({
    "groq/llama-70b,               groq,   llama-70b,               true",
    "groq/openai/gpt-oss,          groq,   openai/gpt-oss,          true",
    "groq/never-heard-of,          groq,   never-heard-of,          false",
    "groq/a/b/c:free,              groq,   a/b/c:free,              false",
    "my-own/Qwen/Qwen3-8B,         my-own, Qwen/Qwen3-8B,           false",
    "local/small,                  local,  small,                   true",
  })
  void modelIdGivesProviderAndUpstreamModel(
      String id, String provider, String upstream, boolean known) {
    Target target = everything().target(id);
    assertThat(target.modelId()).isEqualTo(id);
    assertThat(target.provider().name()).isEqualTo(provider);
    assertThat(target.upstreamModel()).isEqualTo(upstream);
    assertThat(target.model() != null).isEqualTo(known);
  }

  @Test
  void modelIsReadFromItsFile() {
    Model model = everything().target("groq/llama-70b").model();
    assertThat(model.label()).isEqualTo("Llama 70B");
    assertThat(model.contextLength()).isEqualTo(131072);
    assertThat(model.maxOutput()).isEqualTo(32768);
    assertThat(model.abilities()).containsExactly("chat", "tools");
    Price price = model.prices().getFirst();
    assertThat(price.cost(new TokenCount(1_000_000, 1_000_000))).isEqualByComparingTo("1.38");
    assertThat(price.from()).isEqualTo("2024-12-06");
    assertThat(price.source()).isEqualTo("https://groq.example");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "groq",
        "groq/",
        "/llama-70b",
        "GROQ/llama-70b",
        "nobody/m",
        "local/large",
        "../groq/m"
      })
  void unknownModelIsNotFound(String id) {
    ApiError error = refusal(everything(), id);
    assertThat(error.message()).startsWith("The model `" + id + "` does not exist");
  }

  @Test
  void providerThatIsOffNamesTheMissingSetting() {
    assertThat(refusal(catalogue(Map.of()), "groq/llama-70b").message())
        .contains("GROQ_API_KEY is not set");
    assertThat(refusal(catalogue(Map.of()), "llama-70b").message()).contains("provider/model");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "labels: x\nformat: openai\n",
        "format: [",
        "models: {}\n",
        "models: [{id: m, price: {input: cheap}}]"
      })
  void invalidFileIsRefused(String file) throws IOException {
    write("wrong.yaml", file);
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> catalogue(Map.of()))
        .withMessageContaining("providers");
  }

  @Test
  void shippedProvidersAreAllOnWithTheirSettings() {
    ProviderCatalogue shipped = shipped();
    assertThat(shipped.providers())
        .extracting(Provider::name)
        .contains(
            "anthropic",
            "azure",
            "bedrock",
            "cerebras",
            "cohere",
            "compatible",
            "deepseek",
            "fireworks",
            "gemini",
            "groq",
            "huggingface",
            "llamacpp",
            "lmstudio",
            "local",
            "mistral",
            "moonshot",
            "novita",
            "nvidia",
            "ollama",
            "openai",
            "openrouter",
            "sambanova",
            "together",
            "vertex",
            "vllm",
            "xai",
            "zai");
    assertThat(shipped.providers()).allSatisfy(each -> assertThat(each.off()).isNull());
    assertThat(shipped.target("azure/my-gpt").provider().url("/chat/completions"))
        .isEqualTo("https://set.openai.azure.com/openai/v1/chat/completions");
    assertThat(shipped.target("azure/my-gpt").provider().headers())
        .isEqualTo(Map.of("api-key", "set"));
    assertThat(shipped.target("bedrock/m").provider().baseUrl())
        .isEqualTo("https://bedrock-runtime.set.amazonaws.com/openai/v1");
    assertThat(shipped.target("vertex/m").provider().baseUrl())
        .isEqualTo(
            "https://set-aiplatform.googleapis.com/v1/projects/set/locations/set/endpoints/openapi");
  }

  @Test
  void shippedCatalogueHasManyChatModels() {
    List<Model> models =
        shipped().providers().stream()
            .flatMap(provider -> provider.models().stream())
            .filter(model -> model.abilities().contains("chat"))
            .toList();
    assertThat(models.size()).isGreaterThanOrEqualTo(60);
    assertThat(models).allSatisfy(model -> assertThat(model.label()).isNotEqualTo(model.id()));
    assertThat(shipped().target("groq/llama-3.3-70b-versatile").model().label())
        .isEqualTo("Llama 3.3 70B (Groq Free Tier)");
    assertThat(shipped().target("groq/llama-3.1-8b-instant").model().label())
        .isEqualTo("Llama 3.1 8B (Groq Free Tier)");
  }

  /** Models that the price list does not know. A new one here means a wrong name, or no price. */
  @Test
  void shippedModelsHavePricesAndContextLengths() {
    ProviderCatalogue shipped = shipped();
    Set<String> without = new TreeSet<>();
    for (Provider provider : shipped.providers()) {
      for (Model model : provider.models()) {
        if (Price.at(Instant.parse("2026-11-29T00:00:00Z"), model.prices()) == null) {
          without.add(provider.name() + "/" + model.id());
        }
        if (model.abilities().contains("chat")) {
          assertThat(model.contextLength()).as(model.id()).isPositive();
        }
      }
    }
    assertThat(without)
        .allMatch(id -> id.startsWith("sambanova/") || id.equals("cohere/command-a-plus-05-2026"));
    assertThat(shipped.target("openai/gpt-5.6-sol").model().contextLength()).isEqualTo(1_050_000);
    assertThat(
            shipped
                .target("local/smollm2-135m-instruct")
                .cost(List.of(new TokenCount(5, 5)), Instant.EPOCH))
        .isZero();
    assertThat(shipped.target("ollama/llama3.2").cost(List.of(new TokenCount(5, 5)), Instant.EPOCH))
        .isZero();
  }

  /** The shipped providers, with every setting that their files name. */
  private static ProviderCatalogue shipped() {
    Map<String, String> all = new HashMap<>(Map.of("LOCAL_MODEL", "on"));
    Pattern setting = Pattern.compile("\\{\\{(\\w+)}}");
    try (Stream<Path> files = Files.list(Path.of("providers"))) {
      for (Path file : files.filter(each -> each.toString().endsWith(".yaml")).toList()) {
        String prefix = file.getFileName().toString().replace(".yaml", "").toUpperCase(Locale.ROOT);
        String text = Files.readString(file);
        boolean local = !text.contains("\nbaseUrl:");
        all.put(prefix + (local ? "_BASE_URL" : "_API_KEY"), local ? "http://127.0.0.1:9" : "set");
        setting.matcher(text).results().forEach(each -> all.put(each.group(1), "set"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new ProviderCatalogue(Settings.load(Path.of(""), all));
  }

  private static ApiError refusal(ProviderCatalogue catalogue, String id) {
    ApiError[] error = new ApiError[1];
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> catalogue.target(id))
        .satisfies(e -> error[0] = e.error());
    assertThat(error[0].status()).isEqualTo(404);
    assertThat(error[0].code()).isEqualTo("model_not_found");
    return error[0];
  }

  private ProviderCatalogue everything() {
    return catalogue(
        Map.of("GROQ_API_KEY", "k", "MY_OWN_BASE_URL", "http://127.0.0.1:9", "LOCAL_MODEL", "on"));
  }

  private ProviderCatalogue catalogue(Map<String, String> environment) {
    return new ProviderCatalogue(Settings.load(home, environment));
  }

  private void write(String file, String text) throws IOException {
    Files.writeString(home.resolve("providers").resolve(file), text);
  }
}
