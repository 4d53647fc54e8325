package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.RouteTestSupport;
import dev.llmproxy.base.Json;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.builder.AdviceWith;
import org.apache.camel.component.mock.MockEndpoint;
import org.apache.camel.model.ToDynamicDefinition;
import org.apache.camel.spi.Registry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The routes tool-web-search and search-* with a mock in place of search-ask's HTTP call. */
class SearchRoutesTest extends RouteTestSupport {
  private static final String QUERY = "50% of \"camels\" & {{PORT}}?";

  SearchRoutesTest() {
    super(
        List.of(
            "errors",
            "tool-web-search",
            "search-errors",
            "search-ask",
            "search-searxng",
            "search-brave",
            "search-tavily",
            "search-wikipedia",
            "search-docs"),
        Map.of(
            "SEARXNG_URL", "http://searxng.test",
            "BRAVE_API_KEY", "brave-secret",
            "TAVILY_API_KEY", "tavily-secret",
            "SEARCH_DOCS", ""));
  }

  @Override
  protected void bindToRegistry(Registry registry) {
    registry.bind("searchCache", new SearchCache());
    registry.bind("searchEngines", new SearchEngines());
    registry.bind("documentIndex", new DocumentIndex(null));
  }

  @BeforeEach
  void replaceTheHttpCall() throws Exception {
    AdviceWith.adviceWith(
        context,
        "search-ask",
        route -> route.weaveByType(ToDynamicDefinition.class).replace().to("mock:engine"));
  }

  @Test
  void enginesAreAskedInOrderEachWithItsOwnHeadersAlone() {
    engine().whenAnyExchangeReceived(call -> answer(call, 503, "{}"));

    Exchange exchange = search();

    assertThat(exchange.getException()).isInstanceOf(ToolException.class);
    assertThat(engine().getExchanges())
        .extracting(call -> call.getProperty("searchUrl"))
        .containsExactly(
            "http://searxng.test/search",
            "https://api.search.brave.com/res/v1/web/search",
            "https://api.tavily.com/search",
            "https://en.wikipedia.org/w/rest.php/v1/search/page");
    String query = "q=50%25+of+%22camels%22+%26+%7B%7BPORT%7D%7D%3F";
    assertThat(engine().getExchanges())
        .extracting(call -> call.getMessage().getHeaders())
        .containsExactly(
            Map.of("CamelHttpQuery", query + "&format=json"),
            Map.of("CamelHttpQuery", query + "&count=5", "X-Subscription-Token", "brave-secret"),
            Map.of("Authorization", "Bearer tavily-secret", "Content-Type", "application/json"),
            Map.of(
                "CamelHttpQuery",
                query + "&limit=5",
                "User-Agent",
                "llmproxy (web search of an LLM gateway)"));
  }

  @Test
  void anEngineWithABodyGetsTheQueryAsJson() throws Exception {
    engine().whenAnyExchangeReceived(call -> answer(call, 503, "{}"));

    search();

    assertThat(engine().getExchanges().get(0).getMessage().getBody()).isNull();
    assertThat(Json.parse(engine().getExchanges().get(2).getMessage().getBody(String.class)))
        .isEqualTo(Json.object().put("query", QUERY).put("max_results", 5));
  }

  @Test
  void noHeaderRemainsAfterAnAnswer() {
    engine().whenExchangeReceived(1, call -> answer(call, 503, "{}"));
    engine()
        .whenExchangeReceived(
            2,
            call ->
                answer(
                    call,
                    200,
                    "{\"web\":{\"results\":[{\"title\":\"t\",\"url\":\"http://u\",\"description\":\"d\"}]}}"));

    Exchange exchange = search();

    assertThat(exchange.getMessage().getBody())
        .isEqualTo(
            Map.of("engine", "brave", "results", List.of(new SearchResult("t", "http://u", "d"))));
    assertThat(exchange.getMessage().getHeaders()).isEmpty();
  }

  @Test
  void afterAnEmptyAbsentOrTooLargeAnswerTheNextEngineIsAsked() {
    engine().whenExchangeReceived(1, call -> answer(call, 200, ""));
    engine().whenExchangeReceived(2, call -> call.getMessage().setHeader(STATUS, 204));
    engine()
        .whenExchangeReceived(
            3, call -> answer(call, 200, "{\"results\":[]" + " ".repeat(2 << 20) + "}"));
    engine()
        .whenExchangeReceived(
            4,
            call ->
                answer(
                    call,
                    200,
                    "{\"pages\":[{\"key\":\"Camel?\",\"title\":\"t\",\"excerpt\":\"\"}]}"));

    assertThat(search().getMessage().getBody())
        .isEqualTo(
            Map.of(
                "engine",
                "wikipedia",
                "results",
                List.of(new SearchResult("t", "https://en.wikipedia.org/wiki/Camel%3F", ""))));
  }

  private static final String STATUS = Exchange.HTTP_RESPONSE_CODE;

  private static void answer(Exchange call, int status, String body) {
    Message message = call.getMessage();
    message.setHeader(STATUS, status);
    message.setHeader("Set-Cookie", "of-the-engine");
    InputStream stream = new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8));
    message.setBody(stream);
  }

  private Exchange search() {
    return template.request(
        "direct:tool-web-search",
        call -> {
          call.getMessage().setHeader("X-Other", "of-the-client");
          call.getMessage().setBody(Map.of("query", QUERY));
        });
  }

  private MockEndpoint engine() {
    return getMockEndpoint("mock:engine");
  }
}
