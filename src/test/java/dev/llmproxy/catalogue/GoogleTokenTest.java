package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GoogleTokenTest {
  private static final String FILE =
      "format: openai\nbaseUrl: https://a.example\ngoogleAccount: A_CREDENTIALS\n";

  @TempDir private Path home;
  private final AtomicInteger asked = new AtomicInteger();
  private volatile int status = 200;
  private HttpServer tokens;

  @BeforeEach
  void start() throws IOException, GeneralSecurityException {
    tokens = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    tokens.createContext(
        "/token",
        exchange -> {
          byte[] body =
              "{\"access_token\":\"ya29.%d\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"
                  .formatted(asked.incrementAndGet())
                  .getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    tokens.start();
    Files.writeString(home.resolve("application.properties"), "LOCAL_MODEL = on\n");
    Files.createDirectory(home.resolve("providers"));
    Files.writeString(home.resolve("providers/a.yaml"), FILE);
    KeyPairGenerator keys = KeyPairGenerator.getInstance("RSA");
    keys.initialize(2048);
    String pem =
        "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n"
            .formatted(
                Base64.getMimeEncoder()
                    .encodeToString(keys.generateKeyPair().getPrivate().getEncoded()));
    Files.writeString(
        home.resolve("account.json"),
        Json.text(
            Json.object()
                .put("type", "service_account")
                .put("project_id", "p")
                .put("private_key_id", "k")
                .put("private_key", pem)
                .put("client_email", "a@p.iam.gserviceaccount.com")
                .put("client_id", "1")
                .put(
                    "token_uri",
                    "http://127.0.0.1:%d/token".formatted(tokens.getAddress().getPort()))));
  }

  @AfterEach
  void stop() {
    tokens.stop(0);
  }

  @Test
  void requestsGetATokenOfTheAccountThatIsKept() {
    Provider provider = provider(Map.of("A_CREDENTIALS", "account.json"));
    assertThat(provider.on()).isTrue();
    assertThat(asked).hasValue(0);
    assertThat(provider.requestHeaders()).isEqualTo(Map.of("Authorization", "Bearer ya29.1"));
    assertThat(provider.requestHeaders()).isEqualTo(Map.of("Authorization", "Bearer ya29.1"));
    assertThat(asked).hasValue(1);
  }

  @Test
  void requestFailsWhenGoogleGivesNoToken() {
    status = 400;
    Provider provider = provider(Map.of("A_CREDENTIALS", "account.json"));
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(provider::requestHeaders)
        .satisfies(e -> assertThat(e.error().status()).isEqualTo(502));
  }

  @Test
  void aKeyServesWithoutAnAccount() {
    assertThat(provider(Map.of("A_API_KEY", "token")).requestHeaders())
        .isEqualTo(Map.of("Authorization", "Bearer token"));
    assertThat(provider(Map.of()).off()).isEqualTo("A_CREDENTIALS is not set");
  }

  @Test
  void wrongFileFailsTheStartWithoutItsContent() throws IOException {
    Files.writeString(home.resolve("wrong.json"), "{\"secret\": \"s3cret\"}");
    for (String file : new String[] {"wrong.json", "missing.json"}) {
      assertThatExceptionOfType(Settings.SettingException.class)
          .isThrownBy(() -> provider(Map.of("A_CREDENTIALS", file)))
          .withMessageStartingWith("A_CREDENTIALS is " + file + ", which is not the JSON key file")
          .withMessageNotContaining("s3cret");
    }
  }

  private Provider provider(Map<String, String> settings) {
    return new ProviderCatalogue(Settings.load(home, settings)).providers().iterator().next();
  }
}
