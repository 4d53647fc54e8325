package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
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
    assertThat(model.price().of(1_000_000, 1_000_000)).isEqualByComparingTo("1.38");
    assertThat(model.price().from()).isEqualTo("2024-12-06");
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
  void shippedProvidersAreValid() {
    Settings settings =
        Settings.load(
            Path.of(""), Map.of("GROQ_API_KEY", "k", "OPENAI_API_KEY", "k", "LOCAL_MODEL", "on"));
    ProviderCatalogue shipped = new ProviderCatalogue(settings);
    assertThat(shipped.target("groq/openai/gpt-oss-120b").model()).isNotNull();
    assertThat(shipped.target("openai/gpt-4o-mini").model().price()).isNotNull();
    assertThat(shipped.providers())
        .allSatisfy(provider -> assertThat(provider.format()).isIn("openai", "local"));
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
