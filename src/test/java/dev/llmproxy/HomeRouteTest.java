package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** GET / by browsers and programs. */
class HomeRouteTest {
  private static Gateway gateway;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire("2.home")
  @Test
  void browsersGetAPageWithLinks() {
    HttpResponse<String> page =
        get("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.headers().firstValue("content-type")).hasValue("text/html; charset=utf-8");
    assertThat(page.headers().firstValue("vary")).hasValue("Accept");
    assertThat(page.body())
        .contains("OpenAI-compatible", "/v1/chat/completions", "create-api-key")
        .doesNotContain("src=\"http", "href=\"http");
  }

  @Test
  void thePolicyAllowsOnlyThePagesOwnScriptAndStyle() throws Exception {
    HttpResponse<String> page = get("text/html");
    String policy = page.headers().firstValue("content-security-policy").orElseThrow();

    assertThat(policy)
        .startsWith("default-src 'none'; ")
        .contains("script-src '" + hash(page.body(), "script") + "'")
        .contains("style-src '" + hash(page.body(), "style") + "'")
        .doesNotContain("unsafe");
  }

  @Wire("2.home")
  @Test
  void programsGetTheLinksInJson() {
    HttpResponse<String> links = get("*/*");
    JsonNode json = Gateway.json(links);

    assertThat(links.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(json.path("name").asText()).isEqualTo("llmproxy");
    assertThat(gateway.get(json.path("openapi").asText(), null).statusCode()).isEqualTo(200);
    assertThat(gateway.get(json.path("models").asText(), null).statusCode()).isEqualTo(401);
  }

  @Wire("2.404")
  @Test
  void unknownPathsAreJsonErrorsForBrowsersToo() {
    HttpResponse<String> response =
        gateway.send(gateway.request("/nothing", null).header("Accept", "text/html").GET().build());

    assertThat(response.statusCode()).isEqualTo(404);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
  }

  private static HttpResponse<String> get(String accept) {
    HttpRequest request = gateway.request("/", null).header("Accept", accept).GET().build();
    return gateway.send(request);
  }

  private static String hash(String page, String element) throws Exception {
    Matcher matcher =
        Pattern.compile("<%s>(.*?)</%s>".formatted(element, element), Pattern.DOTALL).matcher(page);
    assertThat(matcher.find()).isTrue();
    byte[] digest =
        MessageDigest.getInstance("SHA-256")
            .digest(matcher.group(1).getBytes(StandardCharsets.UTF_8));
    return "sha256-" + Base64.getEncoder().encodeToString(digest);
  }
}
