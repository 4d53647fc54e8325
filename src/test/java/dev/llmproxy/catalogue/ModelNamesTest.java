package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The names by which clients may ask for a model. */
class ModelNamesTest {
  @TempDir private Path home;

  @BeforeEach
  void writeProviders() throws IOException {
    Files.writeString(home.resolve("application.properties"), "");
    Files.createDirectory(home.resolve("providers"));
    provider("groq", "llama-8b", "llama-70b", "openai/gpt-oss");
    provider("other", "llama-70b", "claude-3");
    provider("off", "only-here", "llama-8b");
    routing(
        """
        aliases:
          fast: [off/llama-8b, groq/llama-8b]
          unused: off/only-here
          llama-70b: other/llama-70b
          "claude-*": other/claude-*
          "*/*-latest": other/*-*
        """);
  }

  @ParameterizedTest
  @CsvSource({
    "groq/llama-8b,       groq/llama-8b,      a model id",
    "groq/unlisted,       groq/unlisted,      a model id that the file does not list",
    "fast,                groq/llama-8b,      a chain: the first target whose provider is on",
    "llama-70b,           other/llama-70b,    an alias wins over the name of two providers",
    "groq/llama-70b,      groq/llama-70b,     a model id wins over an alias",
    "claude-opus-9,       other/claude-opus-9,a star keeps what it matched",
    "a/b-latest,          other/a-b,          two stars",
    "llama-8b,            groq/llama-8b,      only one provider that is on lists it",
    "openai/gpt-oss,      groq/openai/gpt-oss,a bare name with a slash",
  })
  void nameStandsForModel(String name, String served, String why) {
    Target target = catalogue(Map.of()).target(name);

    assertThat(target.servedModel()).as(why).isEqualTo(served);
    assertThat(target.modelId()).isEqualTo(name);
  }

  @Test
  void settingWinsOverTheFileAndItsFirstMatchCounts() {
    ProviderCatalogue catalogue =
        catalogue(
            Map.of(
                "MODEL_ALIASES",
                "claude-*haiku* -> groq/llama-8b, claude-*->groq/llama-70b , * -> other/claude-3"));

    assertThat(catalogue.target("claude-5-haiku-1").servedModel()).isEqualTo("groq/llama-8b");
    assertThat(catalogue.target("claude-9").servedModel()).isEqualTo("groq/llama-70b");
    assertThat(catalogue.target("fast").servedModel()).isEqualTo("other/claude-3");
    assertThat(catalogue.target("groq/x").servedModel()).isEqualTo("groq/x");
  }

  @Test
  void nameOfSeveralProvidersIsNotFoundAndTheErrorNamesThem() throws IOException {
    routing("");

    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> catalogue(Map.of()).target("llama-70b"))
        .satisfies(e -> assertThat(e.error().status()).isEqualTo(404))
        .withMessageContaining("groq/llama-70b, other/llama-70b");
  }

  @Test
  void aliasOfAProviderThatIsOffIsNotFoundAndTheErrorSaysWhy() {
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> catalogue(Map.of()).target("unused"))
        .satisfies(e -> assertThat(e.error().status()).isEqualTo(404))
        .withMessageContaining("`unused`")
        .withMessageContaining("off/only-here")
        .withMessageContaining("OFF_API_KEY is not set");
  }

  @Test
  void namesOfAProviderThatIsOffAreUnknown() {
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> catalogue(Map.of()).target("only-here"))
        .satisfies(e -> assertThat(e.error().status()).isEqualTo(404));
  }

  @Test
  void aliasesWithoutStarWhoseProviderIsOnAreListed() {
    assertThat(catalogue(Map.of("MODEL_ALIASES", "quick -> groq/llama-8b")).listedAliases())
        .hasEntrySatisfying(
            "quick", target -> assertThat(target.servedModel()).isEqualTo("groq/llama-8b"))
        .containsOnlyKeys("quick", "fast", "llama-70b");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "aliases: [a]               | providers/routing.yaml, line 1: aliases must have entries",
        "alias: {a: groq/b}         | providers/routing.yaml, line 1: there is no field `alias`",
        "aliases: {a: groq}         | providers/routing.yaml, line 1: the alias `a` has the target `groq`; a target has the form",
        "aliases: {a: []}           | providers/routing.yaml, line 1: the alias `a` has no target",
        "aliases: {a: {b: c}}       | providers/routing.yaml, line 1: an alias has no field `b`; the fields are models, contextLength, contentPolicy",
        "aliases: {a: {contextLength: groq/b}} | line 1: an alias needs the field `models`",
        "aliases: {a: [{weight: 1}]} | line 1: a target needs the field `model`",
        "aliases: {a: [{model: groq/b, weight: x}]} | line 1: the weight is `x`; it must be a whole number from 0 to 999999",
        "aliases: {a: [{model: groq/b, weight: 0}]} | line 1: all weights are 0; at least one must be above 0",
        "aliases: {a: [{model: groq/b, size: 0}]} | line 1: a target has no field `size`; the fields are model, weight",
        "aliases: {a: {models: groq/b, contextLength: nobody/x}} | there is no provider `nobody`",
        "aliases: {a: [[groq/b]]}   | line 1: a target must be a text",
        "aliases: {a: nobody/x}     | there is no provider `nobody`; the providers are groq, off, other",
        "aliases: {a: groq/*}       | the alias `a` has more * in the target `groq/*` than in its name",
        "aliases: {groq/a: other/b} | the alias `groq/a` begins with the provider `groq`",
        "aliases: {a: groq/b, a: groq/c} | `a` is there twice",
        "aliases: {a: groq/b        | providers/routing.yaml, line 2:",
      })
  void wrongFileStopsTheStartAndSaysWhere(String text, String message) throws IOException {
    routing(text + "\n");

    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> catalogue(Map.of()))
        .withMessageContaining(message.strip());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fast                  | MODEL_ALIASES has `fast`",
        "a -> b -> groq/c      | MODEL_ALIASES has `a -> b -> groq/c`",
        "-> groq/c             | the alias `` has no name",
        "a -> c                | MODEL_ALIASES: the alias `a` has the target `c`",
      })
  void wrongSettingStopsTheStart(String value, String message) {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> catalogue(Map.of("MODEL_ALIASES", value.strip())))
        .withMessageContaining(message.strip());
  }

  private ProviderCatalogue catalogue(Map<String, String> more) {
    Map<String, String> environment = new HashMap<>(more);
    environment.put("GROQ_API_KEY", "gsk-1");
    environment.put("OTHER_API_KEY", "k-1");
    return new ProviderCatalogue(Settings.load(home, environment));
  }

  private void provider(String name, String... models) throws IOException {
    StringBuilder file =
        new StringBuilder("format: openai\nbaseUrl: http://127.0.0.1:9/v1\nmodels:\n");
    for (String model : models) {
      file.append("  - id: ").append(model).append('\n');
    }
    Files.writeString(home.resolve("providers/" + name + ".yaml"), file);
  }

  private void routing(String text) throws IOException {
    Files.writeString(home.resolve("providers/routing.yaml"), text);
  }
}
