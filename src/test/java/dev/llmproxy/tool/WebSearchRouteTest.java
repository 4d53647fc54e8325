package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.LogLines;
import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.ScriptedSearch;
import dev.llmproxy.emulator.ScriptedSearch.Behaviour;
import dev.llmproxy.tool.ToolResult.Status;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class WebSearchRouteTest {
  private static final List<String> ENGINES = List.of("searxng", "brave", "tavily", "wikipedia");

  @TempDir Path folder;
  private final ScriptedSearch web = ScriptedSearch.start();
  private final Map<String, String> settings = new HashMap<>(web.settings());
  private Tools tools;

  @BeforeEach
  void settings() {
    settings.put("SEARCH_ENGINE_SECONDS", "60");
  }

  @AfterEach
  void stop() {
    web.close();
    tools.close();
  }

  @ParameterizedTest
  @CsvSource({
    "searxng,https://example.com/found",
    "brave,https://example.com/found",
    "tavily,https://example.com/found",
    "wikipedia,WIKI/wiki/how_%22big%22_&_%7Bwide%7D%3F",
  })
  void eachEngineAnswersInPlainText(String engine, String url) throws Exception {
    ENGINES.subList(0, ENGINES.indexOf(engine)).forEach(each -> web.make(each, Behaviour.FAILS));

    JsonNode answer = search("how \"big\" & {wide}?");

    assertThat(answer.path("engine").asText()).isEqualTo(engine);
    JsonNode found = answer.path("results").path(0);
    assertThat(found.path("title").asText()).isEqualTo(engine + " on how \"big\" & {wide}?");
    assertThat(found.path("url").asText()).isEqualTo(url.replace("WIKI", web.baseUrl("wikipedia")));
    assertThat(found.path("snippet").asText()).isEqualTo("how \"big\" & {wide}? & more");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '\\',
      value = {
        "Who's Afraid of Virginia Woolf?,Who's_Afraid_of_Virginia_Woolf%3F",
        "100% \"Größe\" #1,100%25_%22Gr%C3%B6%C3%9Fe%22_%231",
        "Talk:AC/DC (band),Talk:AC/DC_(band)",
      })
  void addressesOnWikipediaAreBuiltFromPageNames(String name, String path) throws Exception {
    ENGINES
        .subList(0, ENGINES.indexOf("wikipedia"))
        .forEach(each -> web.make(each, Behaviour.FAILS));

    String url = search(name).at("/results/0/url").asText();

    assertThat(url).isEqualTo(web.baseUrl("wikipedia") + "/wiki/" + path);
    assertThat(URI.create(url).getPath()).endsWith("/wiki/" + name.replace(' ', '_'));
  }

  @ParameterizedTest
  @EnumSource(
      value = Behaviour.class,
      names = {"FAILS", "FINDS_NOTHING", "ANSWERS_HTML", "HANGS", "NEVER_ENDS"})
  void afterAnEngineFailedTheNextIsAsked(Behaviour behaviour) throws Exception {
    web.make("searxng", behaviour);
    if (behaviour == Behaviour.HANGS) {
      settings.put("SEARCH_ENGINE_SECONDS", "3");
    }

    assertThat(search("camels").path("engine").asText()).isEqualTo("brave");
    assertThat(web.asked()).containsExactly("searxng", "brave");
  }

  @Test
  void failedEnginesAreLoggedAndUnconfiguredEnginesAreNot() throws Exception {
    settings.remove("BRAVE_API_KEY");
    web.make("searxng", Behaviour.FAILS);

    List<String> said;
    try (LogLines lines = LogLines.open()) {
      search("camels");
      said = lines.said();
    }

    assertThat(said).anyMatch(line -> line.startsWith("WARN The search engine searxng failed"));
    assertThat(said).noneMatch(line -> line.contains("brave"));
    assertThat(said).noneMatch(line -> line.startsWith("ERROR") || line.contains("camels"));
  }

  @Test
  void unconfiguredEnginesAreNotAsked() throws Exception {
    for (String setting : List.of("SEARXNG_URL", "BRAVE_API_KEY", "TAVILY_API_KEY")) {
      settings.remove(setting);
    }

    assertThat(search("camels").path("engine").asText()).isEqualTo("wikipedia");
    assertThat(web.asked()).containsExactly("wikipedia");
  }

  @Test
  void aWrongKeyDoesNotAppearInTheAnswer() throws Exception {
    settings.put("BRAVE_API_KEY", "wrong-secret");
    web.make("searxng", Behaviour.FAILS);

    JsonNode answer = search("camels");

    assertThat(answer.path("engine").asText()).isEqualTo("tavily");
    assertThat(Json.text(answer)).doesNotContain("secret");
  }

  @Test
  void documentsAreSearchedWhenAllEnginesFail() throws Exception {
    ENGINES.forEach(each -> web.make(each, Behaviour.FAILS));

    JsonNode answer = search("sharing a spreadsheet with a service account");

    assertThat(answer.path("engine").asText()).isEqualTo("docs");
    assertThat(answer.path("results"))
        .anySatisfy(found -> assertThat(found.path("url").asText()).isEqualTo("google-sheets.md"));
    assertThat(answer.at("/results/0/snippet").asText()).isNotBlank();
    assertThat(search("xyzzyplugh").path("results")).isEmpty();
  }

  @Test
  void withoutSearchDocsNoFileIsSearched() throws Exception {
    ENGINES.forEach(each -> web.make(each, Behaviour.FAILS));
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(
        home.resolve("application.properties"), "SEARCH_DOCS =\n", StandardOpenOption.APPEND);
    Files.writeString(home.resolve("notes.md"), "# Camels\nNobody is to read this.");
    tools = Tools.startAt(home, folder, settings);

    ToolResult result = tools.run("web_search", "query", "camels");

    assertThat(result.status()).isEqualTo(Status.FAILED);
    assertThat(result.content())
        .isEqualTo("No search engine has answered. Go on without searching.");
  }

  @Test
  void aRelativeSearchDocsStartsAtTheHomeFolder() throws Exception {
    ENGINES.forEach(each -> web.make(each, Behaviour.FAILS));
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(
        Files.createDirectories(home.resolve("handbook")).resolve("camels.md"),
        "# Camels\nThey weigh 600 kg.");
    settings.put("SEARCH_DOCS", "handbook");
    tools = Tools.startAt(home, folder, settings);

    assertThat(search("camels").at("/results/0/snippet").asText()).isEqualTo("They weigh 600 kg.");
  }

  @Test
  void repeatedQueriesComeFromTheCache() throws Exception {
    JsonNode first = search("camels");

    assertThat(search(" Camels ")).isEqualTo(first);
    assertThat(web.asked()).containsExactly("searxng");
    search("llamas");
    assertThat(web.asked()).containsExactly("searxng", "searxng");
  }

  private JsonNode search(String query) throws Exception {
    if (tools == null) {
      tools = Tools.start(folder, settings);
    }
    ToolResult result = tools.run("web_search", "query", query);
    assertThat(result.status()).as(result.content()).isEqualTo(Status.COMPLETED);
    JsonNode answer = Json.parse(result.content());
    int results = answer.path("results").size();
    assertThat(result.summary())
        .isEqualTo(
            "%d %s from %s"
                .formatted(
                    results, results == 1 ? "result" : "results", answer.path("engine").asText()));
    return answer;
  }
}
