package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.prompt.Prompts;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The prompt of docs/prompts.md, in all formats, and mistakes in its files. */
class PromptsPageTest {
  private static final String PROMPT =
      "You are the support of Acme. You talk to Ann. Answer in English.\nKeep it short.\n";
  private static Path home;
  private static Gateway gateway;
  private static String key;
  private static String page;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    page = Files.readString(Path.of("docs/prompts.md"));
    home = OwnHome.copyTo(folder.resolve("home"));
    Files.createDirectories(home.resolve("prompts"));
    Files.writeString(home.resolve("prompts/support.yaml"), block("`prompts/support.yaml`:"));
    Files.writeString(
        home.resolve("prompts/support@1.yaml"),
        "messages:\n- {role: developer, content: The first version.}\n");
    Files.writeString(home.resolve("providers/routing.yaml"), block("`providers/routing.yaml`:"));
    gateway = Gateway.startAt(home, folder.resolve("data"), Map.of());
    key = gateway.createKey("ann@example.com");
  }

  /** The block of code after a line of the page. */
  private static String block(String after) {
    Matcher block =
        Pattern.compile("(?s)" + Pattern.quote(after) + "\n\n```\\w+\n(.*?)```").matcher(page);
    assertThat(block.find()).as(after).isTrue();
    return block.group(1);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private static JsonNode sent() {
    return gateway.provider().lastRequest().body();
  }

  private static void assertPrompted(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(sent().at("/messages/0/role").asText()).isEqualTo("system");
    assertThat(sent().at("/messages/0/content").asText()).isEqualTo(PROMPT);
    assertThat(sent().at("/messages/1/role").asText()).isEqualTo("user");
    assertThat(sent().has("prompt")).isFalse();
    assertThat(sent().path("model").asText()).isEqualTo("scripted");
    assertThat(answer.body()).doesNotContain("support of Acme");
    assertThat(answer.headers().firstValue("x-llmproxy-dropped")).isEmpty();
  }

  @Test
  void requestOfThePageGetsThePrompt() {
    HttpResponse<String> answer =
        gateway.post(key, block("Then any client may ask for the model `support`:"));
    assertPrompted(answer);
    assertThat(Gateway.json(answer).path("model").asText()).isEqualTo("support");
  }

  @Test
  void messagesAndResponsesGetThePrompt() {
    assertPrompted(
        gateway.post(
            "/v1/messages",
            key,
            "{\"model\":\"support\",\"max_tokens\":9,\"prompt\":{\"variables\":{\"customer\":\"Ann\"}},\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"));
    String form = page.replaceAll("(?s).*`(\\{\"prompt\": \\{\"id\".*?\\})`.*", "$1");
    HttpResponse<String> response = gateway.post("/v1/responses", key, form);
    assertPrompted(response);
    assertThat(Gateway.json(response).path("model").asText()).isEqualTo("support");
  }

  @Test
  void promptCountsAsTokensOfTheRequest() {
    long with = tokens("support");
    long without = tokens("openai/scripted");
    assertThat(with).isGreaterThan(without);
  }

  private static long tokens(String model) {
    String body =
        "{\"model\":\"%s\",\"prompt\":{\"variables\":{\"customer\":\"Ann\"}},\"messages\":[{\"role\":\"user\",\"content\":\"Hi [[script cut=1]]\"}]}"
            .formatted(model);
    String id = gateway.post(key, body).headers().firstValue("x-request-id").orElseThrow();
    return gateway.awaitRecord(row -> row.requestId().equals(id)).tokensIn();
  }

  @Test
  void versionIsChosen() {
    HttpResponse<String> answer =
        gateway.post(
            key,
            "{\"model\":\"support\",\"prompt\":{\"version\":\"1\"},\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(sent().at("/messages/0/content").asText()).isEqualTo("The first version.");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | prompt.variables.customer | missing",
        "{\"variables\":{\"customer\":\"Ann\",\"x\":1}} | prompt.variables.x | customer, language",
        "{\"variables\":{\"customer\":[1]}} | prompt.variables.customer | a string",
        "{\"version\":\"7\"} | prompt.version | no such version",
        "7 | prompt | an object"
      })
  void wrongReferenceIsA400ThatNamesTheField(String prompt, String param, String words) {
    HttpResponse<String> answer =
        gateway.post(
            key,
            "{\"model\":\"support\",\"prompt\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"
                .formatted(prompt));
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(answer).at("/error/param").asText()).isEqualTo(param);
    assertThat(Gateway.json(answer).at("/error/message").asText())
        .containsIgnoringCase(words)
        .doesNotContain("Acme");
  }

  @Test
  void otherEndpointsRefuseTheName() {
    assertThat(
            gateway
                .post("/v1/completions", key, "{\"model\":\"support\",\"prompt\":\"Hi\"}")
                .statusCode())
        .isEqualTo(400);
    assertThat(
            gateway
                .post("/v1/embeddings", key, "{\"model\":\"support\",\"input\":\"Hi\"}")
                .statusCode())
        .isEqualTo(400);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "messages: [{role: system, content: '{{a}}'}] | line 1: the variable `a` is not under `variables`",
        "messages: [{role: system, content: '{{#a}}'}] | line 1: the text is no Mustache template",
        "messages: [{role: boss, content: a}] | line 1: `boss` is not one of",
        "messages: [] | line 1: the file needs the list `messages`",
        "mesages: [] | line 1: there is no field `mesages`",
        "messages: [ | invalid YAML"
      })
  void wrongFileFailsTheStartWithFileAndLine(String text, String words, @TempDir Path folder)
      throws IOException {
    Path other = OwnHome.copyTo(folder.resolve("home"));
    Files.createDirectories(other.resolve("prompts"));
    Files.writeString(other.resolve("prompts/wrong.yaml"), text);
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> prompts(other))
        .withMessageStartingWith("prompts/wrong.yaml, line ")
        .withMessageContaining(words);
  }

  @Test
  void aliasWithoutTheFileOfItsPromptFailsTheStart(@TempDir Path folder) throws IOException {
    Path other = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(other.resolve("providers/routing.yaml"), block("`providers/routing.yaml`:"));
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> prompts(other))
        .withMessageContaining("the alias `support` has the prompt `support`");
  }

  private static Prompts prompts(Path home) {
    Settings settings = Settings.load(home, Map.of());
    return new Prompts(settings, new ProviderCatalogue(settings));
  }
}
