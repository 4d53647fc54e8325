package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.Gateway;
import dev.llmproxy.OwnHome;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Does what docs/add-a-provider.md says. */
class AddAProviderPageTest {
  @TempDir Path folder;

  @Test
  void fileOfThePageAddsAProvider() throws IOException {
    String page = Files.readString(Path.of("docs/add-a-provider.md"));
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(
        home.resolve(found(page, "`(providers/[a-z]+\\.yaml)`")),
        found(page, "(?s)```yaml\\n(label: Acme\\n.*?)```"));
    String setting = found(page, "export (ACME_API_KEY)=");

    try (ScriptedProvider acme = ScriptedProvider.start();
        Gateway gateway =
            Gateway.startAt(
                home,
                folder.resolve("data"),
                // The address of the page does not exist.
                Map.of(setting, "acme-secret", "ACME_BASE_URL", acme.baseUrl()))) {
      assertThat(models(gateway))
          .contains(
              "\"id\" : \"acme/acme-large\"", "\"input\" : 1.20", "https://acme.example/pricing");
      String key = gateway.createKey("ann@example.com");
      JsonNode list = Gateway.json(gateway.get("/v1/models/acme/acme-large", key));
      assertThat(list.path("label").asText()).isEqualTo("Acme Large");
      assertThat(list.path("context_length").asInt()).isEqualTo(131_072);

      HttpResponse<String> answer = gateway.chat(key, "acme/acme-large", false, "hello");

      assertThat(answer.body()).contains("You said: hello");
      assertThat(acme.lastRequest().header("authorization")).isEqualTo("Bearer acme-secret");
      assertThat(acme.lastRequest().body().path("model").asText()).isEqualTo("acme-large");
      UsageRecord priced = gateway.awaitRecord(each -> each.model().equals("acme/acme-large"));
      assertThat(priced.cost()).isPositive();

      assertThat(gateway.chat(key, "acme/acme-small", false, "hello").statusCode()).isEqualTo(200);
      UsageRecord unpriced = gateway.awaitRecord(each -> each.model().equals("acme/acme-small"));
      assertThat(unpriced.cost()).isNull();
    }
  }

  private static String models(Gateway gateway) {
    StringWriter out = new StringWriter();
    int status =
        LlmProxyCommand.commandLine(gateway.settings())
            .setOut(new PrintWriter(out, true))
            .execute("models", "--json");
    assertThat(status).isZero();
    return out.toString();
  }

  private static String found(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertThat(matcher.find()).as(pattern).isTrue();
    return matcher.group(1);
  }
}
