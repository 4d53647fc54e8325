package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProviderFileTest {
  private static final String FILE =
      """
      label: A server
      format: openai
      baseUrl: https://{{A_RESOURCE}}.example/openai/deployments/gpt
      headers:
        api-key: "{{A_API_KEY}}"
        X-Title: llmproxy
      query:
        api-version: 2024-10-21
        sig: "{{A_SIGNATURE}}"
      models:
        - id: m
          abilities: [chat]
          price: {input: 2, cached: 0.5, output: 8, from: 2026-01-01, source: a page}
      """;
  private static final Map<String, String> SETTINGS =
      Map.of("A_API_KEY", "key-1", "A_RESOURCE", "res", "A_SIGNATURE", "a b&c");

  @TempDir private Path home;

  @BeforeEach
  void writeSettings() throws IOException {
    Files.writeString(home.resolve("application.properties"), "LOCAL_MODEL = on\n");
    Files.createDirectory(home.resolve("providers"));
  }

  @Test
  void fileGivesAddressHeadersAndSecrets() throws IOException {
    Provider provider = provider(FILE, SETTINGS);
    assertThat(provider.off()).isNull();
    assertThat(provider.url("/chat/completions"))
        .isEqualTo(
            "https://res.example/openai/deployments/gpt/chat/completions?api-version=2024-10-21&sig=a%20b%26c");
    // The key is only in the header that the file names.
    assertThat(provider.headers()).isEqualTo(Map.of("api-key", "key-1", "X-Title", "llmproxy"));
    assertThat(provider.masked("key-1 and a b&c of res")).isEqualTo("… and … of res");
    assertThat(provider.toString()).doesNotContain("key-1");
  }

  @Test
  void providerIsOffUntilAllItsSettingsAreSet() throws IOException {
    assertThat(provider(FILE, Map.of()).off()).isEqualTo("A_API_KEY is not set");
    assertThat(provider(FILE, Map.of("A_API_KEY", "k", "A_SIGNATURE", "s")).off())
        .isEqualTo("A_RESOURCE is not set");
  }

  @Test
  void keyIsABearerTokenUnlessTheFileSetsAuthorization() throws IOException {
    String file =
        "format: openai\nbaseUrl: https://a.example\nheaders: {X-Gateway: \"Bearer {{GATEWAY}}\"}\n";
    assertThat(provider(file, Map.of("A_API_KEY", "k-1", "GATEWAY", "g")).headers())
        .isEqualTo(Map.of("Authorization", "Bearer k-1", "X-Gateway", "Bearer g"));
    String own =
        "format: openai\nbaseUrl: https://a.example\nheaders: {authorization: \"Token x\"}\n";
    assertThat(provider(own, Map.of("A_API_KEY", "k-1")).headers())
        .isEqualTo(Map.of("authorization", "Token x"));
  }

  /** Columns: A_BASE_URL | the address for chats. */
  @ParameterizedTest
  @CsvSource({
    "http://127.0.0.1:8000/v1, http://127.0.0.1:8000/v1/chat/completions",
    "http://127.0.0.1:8000/v1//, http://127.0.0.1:8000/v1/chat/completions",
    "HTTP://Host.example/v1, http://Host.example/v1/chat/completions",
    "https://[::1]:8000, https://[::1]:8000/chat/completions",
    "http://h/openai/deployments/gpt?api-version=2024-10-21, http://h/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
    "http://h/v1?httpMethod=GET&disableStreamCache=false, http://h/v1/chat/completions?httpMethod=GET&disableStreamCache=false",
    "http://h/a%20b, http://h/a%20b/chat/completions",
  })
  void validBaseUrlIsAccepted(String setting, String address) throws IOException {
    Provider provider = provider("format: openai\n", Map.of("A_BASE_URL", setting));
    assertThat(provider.url("/chat/completions")).isEqualTo(address);
  }

  @Test
  void baseUrlOfOllamaWithoutAPathGetsOne() throws IOException {
    String ollama = Files.readString(Path.of("providers/ollama.yaml"));
    for (String setting :
        new String[] {
          "http://127.0.0.1:11434", "http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"
        }) {
      assertThat(provider(ollama, Map.of("A_BASE_URL", setting)).url("/models"))
          .isEqualTo("http://127.0.0.1:11434/v1/models");
    }
    assertThat(provider(ollama, Map.of("A_BASE_URL", "http://h/ollama/v1")).baseUrl())
        .isEqualTo("http://h/ollama/v1");
  }

  /** Columns: A_BASE_URL | the error. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "localhost:3976/v1            | must begin with http:// or https://",
        "\"http://h/v1\"              | is in quotation marks",
        "'http://h/v1'                | is in quotation marks",
        "ftp://h/v1                   | begins with ftp://; it must begin with http:// or https://",
        "http://user:p%40ss@h/v1      | has a user name or password in it",
        "http://user:p@ss@h/v1        | has a user name or password in it",
        "http://h/v1/chat/completions | ends in /chat/completions, which llmproxy adds itself",
        "http://h/v1/chat/completions/?a=b | ends in /chat/completions, which llmproxy adds itself",
        "http://h/v1/embeddings       | ends in /embeddings",
        "http://h/v1#x                | has a # in it",
        "http:///v1                   | has no valid host name",
        "http://my_host/v1            | has no valid host name",
        "http://h:99999/v1            | has a port above 65535",
        "http://h/v 1                 | is not an address: illegal character in path at character 11",
        "http://h/{{A}}/v1            | is not an address",
      })
  void invalidBaseUrlIsRefusedWithTheReason(String setting, String why) {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> provider("format: openai\n", Map.of("A_BASE_URL", setting)))
        .withMessageStartingWith("A_BASE_URL " + why)
        .withMessageNotContainingAny("p%40ss", "p@ss", "\n", "Exception");
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(
            () -> provider("format: openai\nbaseUrl: >-\n  " + setting + "\n", Map.of("A", "a b")))
        .withMessageStartingWith("providers/a.yaml, line 2: baseUrl ");
  }

  /** Columns: a file, with ; as line break | the error. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "label: A;format: opneai | , line 2: format is `opneai`; the formats are local, openai",
        "label: A                | : format is missing; the formats are local, openai",
        "format: openai;labels: A | , line 2: there is no field `labels` here; the fields are baseUrl, completions, detect, endpoints, format, googleAccount, headers, hide, key, label, listed, local, modelList, models, path, price, prices, query, request",
        "format: openai;request:;  maxTokens: tokens | , line 2: maxTokens must be max_tokens or max_completion_tokens, not tokens",
        "format: openai;request:;  dorp: [a] | , line 3: there is no field `request.dorp` here; the fields are default, developerRole, drop, dropInMessages, dropInTools, dropWithTools, maxTokens, midSystem, models, only, reasoning, rename, stream, toolIdLength, values",
        "format: openai;models:;- id: a;- id: a | , line 4: the model `a` is listed twice",
        "format: openai;models:;- label: a | , line 3: a model has no id",
        "format: openai;models:;- id: a;  abilities: [chat, fly] | , line 4: there is no ability `fly`; the abilities are audio, chat, embeddings, json-schema, reasoning, tools, vision",
        "format: openai;models:;- id: a;  price: {input: cheap} | , line 4: models[0].price.input is `cheap`; it must be a number",
        "format: openai;models:;- id: a;  price: {input: 1} | , line 4: price needs `output`",
        "format: openai;models:;- id: a;  price: {input: -1, output: 1} | , line 4: price has input: -1; it must be US dollars for a million tokens, 0 or more",
        "format: openai;models:;- id: a;  price:;  - {input: 1, output: 1};  - {input: 1, output: 1, cached: -2} | , line 6: price has cached: -2; it must be",
        "format: openai;models:;- id: a;  price: {input: 1, output: 1, above: {long: {input: 2}}} | , line 4: models[0].price.above is `long`; it must be a number",
        "format: openai;models:;- id: a;  price: {input: 1, output: 1, above: {-1: {input: 2}}} | , line 4: above has `-1: ",
        "format: openai;googleAccount: a file | , line 2: googleAccount is `a file`; it must be the name of a setting, as VERTEX_CREDENTIALS",
        "format: openai;modelList: models | , line 2: modelList is `models`; it must be a path that begins with /",
        "format: openai;price: {input: 1} | , line 2: price needs `output`",
        "format: openai;models:;- id: a;  contextLength: -5 | , line 4: contextLength is -5; it must be a number of tokens, or left out when unknown",
        "format: openai;key: hf token | , line 2: key has `hf token`; it must be the name of a setting, as HF_TOKEN",
        "format: openai;request:;  reasoning: thoughts | , line 2: reasoning must be reasoning_content, reasoning, thinking or none, not thoughts",
        "format: openai;request:;  stream: sometimes | , line 2: stream must be always, asked or never, not sometimes",
        "format: openai;request:;  toolIdLength: 99 | , line 2: toolIdLength must be a number from 1 to 40, not 99",
        "format: openai;request:;  models:;  - match: [m] | , line 4: an entry of models needs match, a list of model names with *, and request",
        "format: openai;rules:;- sampling: true | , line 3: a rule has no match, the pattern of its models",
        "format: openai;rules:;- match: a;  forcedTools: sometimes | , line 3: forcedTools must be one of always, never, unless-thinking, not sometimes",
        "format: openai;rules:;- match: a;  sampling: sometimes | , line 4: rules[0].sampling is `sometimes`; it must be true or false",
        "format: openai;models:;- id: a;  released: soon | , line 4: models[0].released is `soon`; it must be a date such as 2026-11-28",
        "format: openai;models:;- id: a;  contextLength: long | , line 4: models[0].contextLength is `long`; it must be a number",
        "format: openai;local: maybe | , line 2: local is `maybe`; it must be true or false",
        "format: openai;models: {} | , line 2: models is a map; it must be a list",
        "format: openai;models: gpt | , line 2: models is `gpt`; it must be a list",
        "format: openai;models:;- gpt-4o | , line 3: models[0] is `gpt-4o`; it must be a map of fields",
        "format: openai;label: [a] | , line 2: label is a list; it must be a text",
        "format: openai;request: [a] | , line 2: request is a list; it must be a map of fields",
        "format: openai;request: {drop: a} | , line 2: request.drop is `a`; it must be a list",
        "format: openai;request: {rename: [a]} | , line 2: request.rename is a list; it must be a map of fields",
        "format: openai;models:;- id: a;  price: {input: [1], output: 1} | , line 4: models[0].price.input is a list; it must be a number",
        "format: openai;completions: yes please | , line 2: completions is `yes please`; it must be true, or a path below the base URL that begins with /",
        "format: openai;completions: 1 | , line 2: completions is `1`; it must be true, or a path",
        "format: openai;completions: https://a.example/c | , line 2: completions is `https://a.example/c`; it must be true, or a path",
        "format: openai;completions:;  path: c | , line 3: completions.path is `c`; it must be true, or a path",
        "format: openai;completions:;  model: a | , line 3: there is no field `completions.model` here; the fields are models, only, path",
        "format: openai;completions:;  models: [] | , line 3: completions.models must be a list of names of models, with * for any text",
        "format: openai;completions:;  only: [1] | , line 3: completions.only must be a list of the fields that the endpoint takes",
        "format: local;completions: true | , line 2: only a provider of the format openai can have completions, responses and endpoints, not local",
        "format: openai;responses: true | , line 2: responses is `true`; it must be native, or left out",
        "format: local;responses: native | , line 2: only a provider of the format openai can have completions, responses and endpoints, not local",
        "format: openai;endpoints: [rerank] | , line 2: endpoints is a list; it must be a map of fields",
        "format: openai;endpoints:;  images: true | , line 3: there is no endpoint `images`; the endpoints are audio/transcriptions, audio/translations, audio/speech, images/generations, images/edits, moderations, rerank",
        "format: openai;endpoints:;  rerank: v2 | , line 3: endpoints.rerank is `v2`; it must be true, or a path below the base URL that begins with /",
        "format: local;endpoints:;  rerank: true | , line 2: only a provider of the format openai can have completions, responses and endpoints, not local",
        "format: [                | , line 2: invalid YAML",
        "format: openai;\tlabel: A | , line 2: invalid YAML",
        "format: openai;format: local | , line 2: invalid YAML: Duplicate field 'format'",
        "just text                | : the file is `just text`; it must be a map of fields",
        "- format: openai         | : the file is a list; it must be a map of fields",
        "''                       | : the file is empty; it must be a map of fields",
        "# nothing                | : the file is empty",
        "format: openai;headers:;  Content-Length: 3 | , line 3: a file cannot set the header `Content-Length`",
        "format: openai;headers:;  CamelHttpUri: http://h | , line 3: a file cannot set the header `CamelHttpUri`",
        "format: openai;headers:;  X Y: a | , line 3: `X Y` is not a valid name of a header",
        "format: openai;headers:;  X-Y: \"a\\nb\" | , line 3: the header `X-Y` has characters that headers cannot have",
        "format: openai;headers:;  X-Y: | , line 3: the header `X-Y` has no value",
        "format: openai;query:;  v: | , line 3: the parameter `v` has no value",
      })
  void invalidFileIsRefusedWithItsLineAndReason(String file, String what) {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> provider(file.replace(';', '\n') + "\n", Map.of()))
        .withMessageStartingWith("providers/a.yaml" + what)
        .withMessageNotContainingAny("dev.llmproxy", "com.fasterxml", "Exception", "java.", "\n");
  }

  /** Columns: file name | the error. */
  @ParameterizedTest
  @CsvSource({
    "b.yml, providers/b.yml is not read; rename it b.yaml",
    "b c.yaml, 'providers/b c.yaml: the file''s name is the provider''s name'",
    "b.c.yaml, 'providers/b.c.yaml: the file''s name is the provider''s name'",
    "A.yaml, 'have the same settings (A_API_KEY); rename one'",
  })
  void invalidFileNameIsRefused(String name, String what) throws IOException {
    Files.writeString(home.resolve("providers").resolve(name), "format: openai\n");
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> provider("format: openai\n", Map.of()))
        .withMessageContaining(what);
  }

  @Test
  void priceOfTheFileWinsOverThePriceList() throws IOException {
    writePrices();
    String file =
        """
        format: openai
        baseUrl: https://a.example
        models:
          - id: m
            contextLength: 5
            price:
              - {input: 7, output: 8, from: 2026-06-01}
              - {input: 9, output: 8, from: 2027-01-01, above: {1000: {input: 10}}}
          - id: n
          - {id: our-gpt, priceAs: m}
        """;
    Provider provider = provider(file, Map.of("A_API_KEY", "k"));
    Target own = provider.target("m");
    List<TokenCount> turn = List.of(new TokenCount(1_000_000, 0));
    assertThat(own.cost(turn, Instant.parse("2026-05-31T23:59:59Z"))).isEqualByComparingTo("1");
    assertThat(own.cost(turn, Instant.parse("2026-06-01T00:00:00Z"))).isEqualByComparingTo("7");
    assertThat(own.cost(turn, Instant.parse("2027-01-01T00:00:00Z"))).isEqualByComparingTo("10");
    assertThat(own.model().contextLength()).isEqualTo(5);
    assertThat(own.model().prices().getLast().source()).isEqualTo("providers/a.yaml");
    assertThat(provider.target("our-gpt").cost(turn, Instant.EPOCH)).isEqualByComparingTo("1");
    Target listed = provider.target("n");
    assertThat(listed.cost(turn, Instant.EPOCH)).isEqualByComparingTo("2");
    assertThat(listed.model().contextLength()).isEqualTo(99);
    Target unlisted = provider.target("n-2");
    assertThat(unlisted.model()).isNull();
    assertThat(unlisted.cost(turn, Instant.EPOCH)).isEqualByComparingTo("2");
    assertThat(provider.target("unknown").cost(turn, Instant.EPOCH)).isNull();
  }

  @Test
  void priceListHasTheFilesNameUnlessTheFileNamesAnother() throws IOException {
    writePrices();
    String file = "format: openai\nbaseUrl: https://a.example\nprices: b\n";
    List<TokenCount> turn = List.of(new TokenCount(1_000_000, 0));
    assertThat(provider(file, Map.of("A_API_KEY", "k")).target("m").cost(turn, Instant.EPOCH))
        .isEqualByComparingTo("3");
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> provider(file.replace("prices: b", "prices: c"), Map.of()))
        .withMessage(
            "providers/a.yaml, line 3: there is no price list `c` in providers/prices.json; the lists are a, b");
  }

  /** Hugging Face's models end in the provider that runs them. */
  @Test
  void providerMayHaveAPriceListForEachEndOfAName() throws IOException {
    writePrices();
    Files.writeString(
        home.resolve("providers/prices.json"),
        Files.readString(home.resolve("providers/prices.json"))
            .replace("\"id\": \"a\"", "\"id\": \"hub_a\"")
            .replace("\"id\": \"b\"", "\"id\": \"hub_b\""));
    String file =
        "format: openai\nbaseUrl: https://a.example\nprices: hub_*\nmodels: [{id: \"n:a\"}]\n";
    Provider provider = provider(file, Map.of("A_API_KEY", "k"));
    List<TokenCount> turn = List.of(new TokenCount(1_000_000, 0));
    assertThat(provider.target("n:a").model().contextLength()).isEqualTo(99);
    assertThat(provider.target("m:a").cost(turn, Instant.EPOCH)).isEqualByComparingTo("1");
    assertThat(provider.target("m:b").cost(turn, Instant.EPOCH)).isEqualByComparingTo("3");
    assertThat(provider.target("m:c").cost(turn, Instant.EPOCH)).isNull();
    assertThat(provider.target("m").cost(turn, Instant.EPOCH)).isNull();
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> provider(file.replace("hub_", "pub_"), Map.of()))
        .withMessageStartingWith("providers/a.yaml, line 3: there is no price list `pub_*`");
  }

  @Test
  void priceOfTheProviderIsThatOfAllItsModels() throws IOException {
    String file = "format: openai\nprice: {input: 0, output: 0}\nmodels: [{id: m}]\n";
    Provider provider = provider(file, Map.of("A_BASE_URL", "http://h"));
    List<TokenCount> turn = List.of(new TokenCount(1_000_000, 5));
    assertThat(provider.target("m").cost(turn, Instant.EPOCH)).isZero();
    assertThat(provider.target("other").cost(turn, Instant.EPOCH)).isZero();
  }

  /** Columns: settings that are set | the setting whose value is the key, and why it is off. */
  @ParameterizedTest
  @CsvSource({
    "A_TOKEN, A_TOKEN,",
    "OTHER_KEY, OTHER_KEY,",
    "A_API_KEY OTHER_KEY, A_API_KEY,",
    "'', A_TOKEN, A_TOKEN is not set",
  })
  void keyMayBeInASettingWithAnotherName(String set, String setting, String off)
      throws IOException {
    Map<String, String> settings = new HashMap<>();
    for (String each : set.split(" ", -1)) {
      settings.put(each, "key of " + each);
    }
    String file = "format: openai\nbaseUrl: https://a.example\nkey: [A_TOKEN, OTHER_KEY]\n";
    Provider provider = provider(file, settings);
    assertThat(provider.keySetting()).isEqualTo(setting);
    assertThat(provider.off()).isEqualTo(off);
    assertThat(provider.headers())
        .isEqualTo(off == null ? Map.of("Authorization", "Bearer key of " + setting) : Map.of());
  }

  private void writePrices() throws IOException {
    Files.writeString(
        home.resolve("providers/prices.json"),
        """
        {"source": "a test", "read": "2026-11-28", "providers": [
        {"id": "a", "models": [
          {"id": "m", "match": {"equals": "m"}, "context_window": 88, "prices": [{"input_mtok": 1, "output_mtok": 1}]},
          {"id": "n", "match": {"starts_with": "n"}, "context_window": 99, "prices": [{"input_mtok": 2, "output_mtok": 1}]}]},
        {"id": "b", "models": [{"id": "m", "match": {"equals": "m"}, "prices": [{"input_mtok": 3, "output_mtok": 1}]}]}]}
        """);
  }

  @Test
  void endpointsMayHaveOtherPaths() throws IOException {
    Provider provider =
        provider(
            """
            format: openai
            baseUrl: https://a.example/x/v1
            completions: {path: /fim/completions, models: code*, only: [prompt]}
            endpoints: {rerank: /../../v2/rerank, moderations: true, audio/speech: false}
            """,
            Map.of());

    Endpoints endpoints = provider.endpoints();
    assertThat(endpoints.completions("code-1").orElseThrow().path()).isEqualTo("/fim/completions");
    assertThat(endpoints.completions("large")).isEmpty();
    assertThat(provider.url(endpoints.path(MediaEndpoint.RERANK).orElseThrow()))
        .isEqualTo("https://a.example/v2/rerank");
    assertThat(endpoints.path(MediaEndpoint.MODERATIONS)).hasValue("/moderations");
    assertThat(endpoints.path(MediaEndpoint.SPEECH)).isEmpty();
    assertThat(
            provider("format: openai\ncompletions: true\n", Map.of())
                .endpoints()
                .completions("any"))
        .hasValueSatisfying(each -> assertThat(each.path()).isEqualTo("/completions"));
    assertThat(provider("format: openai\ncompletions: false\n", Map.of()).endpoints())
        .isEqualTo(Endpoints.NONE);
  }

  @Test
  void temporaryFilesOfEditorsAreIgnored() throws IOException {
    for (String name : new String[] {".a.yaml.swp", "a.yaml~", "._a.yaml", "README.md"}) {
      Files.writeString(home.resolve("providers").resolve(name), "[");
    }
    assertThat(provider("format: openai\n", Map.of()).name()).isEqualTo("a");
  }

  @Test
  void formatOfAnAddedRouteIsAccepted() throws IOException {
    Files.createDirectory(home.resolve("routes"));
    Files.writeString(home.resolve("routes/provider-mine.camel.yaml"), "");
    assertThat(provider("format: mine\n", Map.of()).format()).isEqualTo("mine");
  }

  @Test
  void examplesOfTheDocumentationAreValid() throws IOException {
    String page = Files.readString(Path.of("docs/add-a-provider.md"));
    String[] parts = page.split("```yaml\n|```\n", -1);
    assertThat(parts.length).isGreaterThanOrEqualTo(13);
    Files.copy(Path.of(PriceList.FILE), home.resolve(PriceList.FILE));
    for (int i = 1; i < parts.length; i += 2) {
      String file = parts[i];
      if (!file.contains("format: openai")) {
        continue;
      }
      assertThat(provider(file, Map.of()).format()).isEqualTo("openai");
    }
  }

  private Provider provider(String file, Map<String, String> environment) throws IOException {
    Files.writeString(home.resolve("providers/a.yaml"), file);
    return new ProviderCatalogue(Settings.load(home, environment))
        .providers().stream().filter(each -> each.name().equals("a")).findFirst().orElseThrow();
  }
}
