package dev.llmproxy;

import static dev.llmproxy.ToolChats.notifications;
import static dev.llmproxy.ToolChats.request;
import static dev.llmproxy.ToolChats.script;
import static dev.llmproxy.ToolChats.told;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.ToolChats.Event;
import dev.llmproxy.chat.ToolNotices;
import dev.llmproxy.emulator.ScriptedSearch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares the examples of docs/tools.md with a server's answers, except ids and times. */
class ToolsPageTest {
  private static final String CALLS_SEARCH = script("web_search {\"query\": \"camels\"}");

  private static String page;
  private static ScriptedSearch search;
  private static Gateway gateway;
  private static ToolChats chats;

  @BeforeAll
  static void start(@TempDir Path data) throws IOException {
    page = Files.readString(Path.of("docs/tools.md"));
    search = ScriptedSearch.start();
    Map<String, String> settings = new HashMap<>(search.settings());
    settings.put("CHAT_TURNS", "2");
    gateway = Gateway.start(data, settings);
    chats = new ToolChats(gateway, gateway.createKey("page@example.com"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    search.close();
  }

  @Test
  void theRequestOfThePageGetsItsEvents() {
    List<Event> shown = ToolChats.events(blocks("text").getFirst());

    List<Event> sent = chats.stream(pagesRequest());

    assertThat(shown).hasSize(2);
    assertThat(notifications(sent).stream().map(ToolsPageTest::timeless))
        .containsExactlyElementsOf(
            notifications(shown).stream().map(ToolsPageTest::timeless).toList());
    assertThat(sent.getLast().data()).isEqualTo("[DONE]");
  }

  @Test
  void theOtherFormsOfThePageRequestTools() {
    String function = first("`(\\{\"type\": \"function\".*?})`");
    assertThat(told(notifications(chats.stream(request(CALLS_SEARCH, function))))).hasSize(2);

    ObjectNode options = request(CALLS_SEARCH);
    options.setAll(
        (ObjectNode) ToolChats.json("{" + first("`(\"web_search_options\": .*?)`") + "}"));
    assertThat(told(notifications(chats.stream(options)))).hasSize(2);

    ObjectNode forced = pagesRequest();
    forced.setAll((ObjectNode) ToolChats.json("{" + first("`(\"tool_choice\": \\{.*?})`") + "}"));
    chats.stream(forced);
    assertThat(chats.asked(1).at("/tool_choice/function/name").asText()).isEqualTo("web_search");
  }

  @Test
  void aWholeAnswerHasTheNotificationsAndCitationsOfThePage() {
    JsonNode list = ToolChats.json(blocks("json").get(1)).path("tool_notifications");
    JsonNode citations = ToolChats.json(blocks("json").get(2));

    JsonNode completion = chats.complete(pagesRequest().put("stream", false), null);

    assertThat(timeless(completion.path("tool_notifications"))).isEqualTo(timeless(list));
    assertThat(completion.at("/choices/0/message/annotations")).isEqualTo(citations);
  }

  @Test
  void theTurnLimitGivesTheSentenceOfThePage() {
    String sum = "calculator {\"expression\": \"1+1\"}";
    ObjectNode request = request(script(sum + " | " + sum), ToolChats.CALCULATOR);

    JsonNode choice = chats.complete(request, null).at("/choices/0");

    assertThat(choice.at("/message/content").asText()).isEqualTo(blocks("text").get(1).strip());
    assertThat(choice.path("finish_reason").asText()).isEqualTo("length");
  }

  @Test
  void thePageListsAllHeaderValues() {
    assertThat(rows("The request header", 1))
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(ToolNotices.values())
                .map(notices -> notices.name().toLowerCase(Locale.ROOT))
                .toList());
  }

  @Test
  void thePageNamesTheDefaultsOfSettings() throws IOException {
    Properties settings = new Properties();
    try (var reader = Files.newBufferedReader(Path.of("application.properties"))) {
      settings.load(reader);
    }
    List<String> names = rows("## Limits and tiers", 1);
    List<String> defaults = rows("## Limits and tiers", 2);

    assertThat(names).hasSizeGreaterThan(4);
    for (int i = 0; i < names.size(); i++) {
      assertThat(settings.getProperty(names.get(i)))
          .as(names.get(i))
          .isEqualTo(defaults.get(i).replace("none", ""));
    }
  }

  private static ObjectNode pagesRequest() {
    ObjectNode request = (ObjectNode) ToolChats.json(blocks("json").getFirst());
    ((ObjectNode) request.at("/messages/0")).put("content", CALLS_SEARCH);
    return request;
  }

  /** Replaces values that differ between runs. */
  private static JsonNode timeless(JsonNode notifications) {
    JsonNode timeless = notifications.deepCopy();
    for (String field : List.of("id", "created", "call_id", "duration_ms")) {
      timeless.findParents(field).forEach(parent -> ((ObjectNode) parent).put(field, "any"));
    }
    return timeless;
  }

  private static List<String> blocks(String language) {
    return found("(?ms)^```" + language + "\\n(.*?)^```$").map(block -> block.group(1)).toList();
  }

  private static String first(String pattern) {
    return found(pattern).findFirst().orElseThrow(() -> new AssertionError(pattern)).group(1);
  }

  private static Stream<MatchResult> found(String pattern) {
    return Pattern.compile(pattern).matcher(page).results();
  }

  /** A column of the first table after a text, without backticks. */
  private static List<String> rows(String after, int column) {
    return page.substring(page.indexOf(after))
        .lines()
        .dropWhile(line -> !line.startsWith("|---"))
        .skip(1)
        .takeWhile(line -> line.startsWith("|"))
        .map(line -> line.split("\\|", -1)[column].strip().replace("`", ""))
        .toList();
  }
}
