package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.GreenMailUtil;
import com.icegreen.greenmail.util.ServerSetup;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.ledger.UsageEvents;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The callbacks of docs/callbacks.md, with a web server, Slack's form, and a mail server. */
class CallbacksRouteTest {
  private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  private static final String BASE64 = SECRET.substring("whsec_".length());
  private static final List<Posted> WEBHOOKS = new CopyOnWriteArrayList<>();
  private static final List<Posted> SLACK = new CopyOnWriteArrayList<>();
  private static final AtomicInteger REFUSALS = new AtomicInteger();
  private static HttpServer web;
  private static GreenMail mail;
  private static Gateway gateway;
  private static String key;

  private record Posted(Map<String, String> headers, String body) {
    JsonNode json() {
      try {
        return Json.parse(body);
      } catch (IOException e) {
        throw new IllegalStateException(body, e);
      }
    }

    String request() {
      return json().at("/data/request_id").asText();
    }
  }

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    web = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    receive("/hook", WEBHOOKS);
    receive("/services/T/B/secret", SLACK);
    web.start();
    mail = new GreenMail(new ServerSetup(0, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    mail.setUser("ops@example.com", "ops", "pass word");
    mail.start();
    String here = "http://127.0.0.1:" + web.getAddress().getPort();
    gateway =
        Gateway.start(
            folder,
            Map.of(
                "OPTIONAL_ROUTES",
                "callback-webhook, callback-slack, callback-mail",
                "CALLBACK_WEBHOOK_URL",
                here + "/hook",
                "CALLBACK_WEBHOOK_SECRET",
                SECRET,
                "CALLBACK_SLACK_WEBHOOK",
                here + "/services/T/B/secret",
                "CALLBACK_MAIL_SERVER",
                "smtp://127.0.0.1:" + mail.getSmtp().getPort(),
                "CALLBACK_MAIL_USER",
                "ops",
                "CALLBACK_MAIL_PASSWORD",
                "pass word",
                "CALLBACK_MAIL_FROM",
                "llmproxy@example.com",
                "CALLBACK_MAIL_TO",
                "ops@example.com",
                "CALLBACK_MAIL_SECONDS",
                "1"));
    key = gateway.createKey("ann@example.com");
    // What is settled before a callback's first run is not delivered.
    await().until(() -> new UsageEvents(gateway.application().ledger()).consumers().size() == 3);
  }

  private static void receive(String path, List<Posted> list) {
    web.createContext(
        path,
        exchange -> {
          String body =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          boolean refused = REFUSALS.get() > 0 && REFUSALS.getAndDecrement() > 0;
          if (!refused) {
            list.add(
                new Posted(
                    exchange.getRequestHeaders().entrySet().stream()
                        .collect(
                            Collectors.toMap(
                                header -> header.getKey().toLowerCase(java.util.Locale.ROOT),
                                header -> header.getValue().getFirst())),
                    body));
          }
          byte[] answer = "ok".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(refused ? 503 : 200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
  }

  @AfterAll
  static void stop() {
    gateway.close();
    web.stop(0);
    mail.stop();
  }

  private static String chat(String message) {
    HttpResponse<String> answer = gateway.chat(key, "openai/scripted", false, message);
    return answer.headers().firstValue("x-request-id").orElseThrow();
  }

  @Test
  void webhookGetsEveryRequestSignedAlsoAfterFailuresAndAStop() throws Exception {
    REFUSALS.set(1);
    String first = chat("one");
    gateway.stop();
    gateway.start();
    String second = chat("two [[script status=500]]");

    await()
        .until(() ->
            WEBHOOKS.stream()
                    .map(Posted::request)
                    .filter(List.of(first, second)::contains)
                    .distinct()
                    .count()
                == 2);
    Posted posted =
        WEBHOOKS.stream().filter(each -> each.request().equals(second)).findFirst().orElseThrow();
    assertThat(posted.headers())
        .containsEntry("webhook-id", second)
        .containsEntry("content-type", "application/json")
        .doesNotContainKey("authorization");
    assertThat(posted.json().path("type").asText()).isEqualTo("request.settled");
    assertThat(posted.json().at("/data/status").asText()).isEqualTo("ERROR");
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(Base64.getDecoder().decode(BASE64), "HmacSHA256"));
    String signed = second + "." + posted.headers().get("webhook-timestamp") + "." + posted.body();
    assertThat(posted.headers().get("webhook-signature"))
        .isEqualTo(
            "v1,"
                + Base64.getEncoder()
                    .encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8))));
  }

  @Test
  void slackAndMailTellOfFailuresAlone() throws Exception {
    String failed = chat("three [[script status=500]]");
    String served = chat("four");

    await().until(() -> SLACK.stream().anyMatch(each -> each.body().contains(failed)));
    assertThat(SLACK.getLast().json().path("text").asText())
        .contains(failed + " ann@example.com openai/scripted ERROR after ");
    await()
        .until(() ->
            Arrays.stream(mail.getReceivedMessages())
                .anyMatch(each -> GreenMailUtil.getBody(each).contains(failed)));
    assertThat(mail.getReceivedMessages()[0].getHeader("Subject")[0])
        .isEqualTo("llmproxy: requests have failed");
    await().until(() -> WEBHOOKS.stream().anyMatch(each -> each.request().equals(served)));
    assertThat(SLACK).noneMatch(each -> each.body().contains(served));
    assertThat(mail.getReceivedMessages())
        .noneMatch(each -> GreenMailUtil.getBody(each).contains(served));
  }

  @Test
  void addressOfAWebhookIsNeitherInTheLogNorInTheReport() throws Exception {
    UsageEvents events = gateway.application().usageEvents();
    REFUSALS.set(1000);
    try (LogLines log = LogLines.open()) {
      chat("five");
      await().until(() -> events.consumers().stream().anyMatch(each -> each.problem() != null));
      assertThat(events.consumers().toString()).contains("503").doesNotContain("/hook");
      await().until(() -> String.join("\n", log.said()).contains("is tried again"));
      assertThat(String.join("\n", log.said())).doesNotContain("/hook", "/services");
    } finally {
      REFUSALS.set(0);
    }
  }

  @Test
  void missingSettingsAreListedAtTheStart() {
    Settings settings =
        Settings.load(
            Path.of(""),
            Map.of(
                "OPTIONAL_ROUTES", "callback-webhook,callback-mail", "CALLBACK_MAIL_TO", "a@b.c"));
    assertThat(settings.wrongValues().values())
        .contains(
            "CALLBACK_WEBHOOK_URL is not set; the optional route callback-webhook needs it",
            "CALLBACK_WEBHOOK_SECRET is not set; the optional route callback-webhook needs it",
            "CALLBACK_MAIL_SERVER is not set; the optional route callback-mail needs it",
            "CALLBACK_MAIL_FROM is not set; the optional route callback-mail needs it");
  }
}
