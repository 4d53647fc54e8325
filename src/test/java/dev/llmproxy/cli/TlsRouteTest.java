package dev.llmproxy.cli;

import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Gateway;
import dev.llmproxy.app.RunningServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server's own TLS: TLS_CERTIFICATE and TLS_KEY. */
class TlsRouteTest {
  private static Gateway gateway;
  private static String key;
  private static PemFiles first;
  private static Map<String, String> settings;

  @TempDir private static Path folder;

  @BeforeAll
  static void start() throws Exception {
    first = PemFiles.create(folder, "first", "RSA");
    Files.copy(first.certificate(), folder.resolve("used.crt"));
    Files.copy(first.key(), folder.resolve("used.key"));
    settings =
        Map.of(
            "TLS_CERTIFICATE", folder.resolve("used.crt").toString(),
            "TLS_KEY", folder.resolve("used.key").toString());
    gateway = Gateway.start(folder.resolve("data"), settings);
    key = gateway.createKey("tls@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void chatsAreAnsweredByHttps() throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("own", shown());
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    context.init(null, factory.getTrustManagers(), new SecureRandom());
    try (HttpClient client = HttpClient.newBuilder().sslContext(context).build()) {
      for (boolean stream : new boolean[] {false, true}) {
        ObjectNode body = Json.object().put("model", "openai/scripted").put("stream", stream);
        body.putArray("messages").addObject().put("role", "user").put("content", "hello");
        HttpRequest request =
            HttpRequest.newBuilder(
                    URI.create("https://localhost:%d/v1/chat/completions".formatted(port())))
                .header("Authorization", "Bearer " + key)
                .POST(HttpRequest.BodyPublishers.ofString(Json.text(body)))
                .build();

        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.body()).contains("hello").contains(stream ? "[DONE]" : "usage");
      }
    }
  }

  @Test
  void foldedHeaderIsRefusedAlsoByHttps() throws Exception {
    try (Socket client = connect()) {
      client
          .getOutputStream()
          .write(
              "GET /v1/models HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));

      assertThat(new String(client.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
          .isEqualTo("HTTP/1.1 400");
    }
  }

  @Test
  void renewedFilesAreUsedForNewConnections() throws Exception {
    PemFiles second = PemFiles.create(folder, "second", "EC");

    // Between the two copies the files do not belong together.
    Files.copy(second.certificate(), folder.resolve("used.crt"), REPLACE_EXISTING);
    assertThat(shown()).isNotEqualTo(second.value());
    Files.copy(second.key(), folder.resolve("used.key"), REPLACE_EXISTING);

    Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> shown().equals(second.value()));
    Files.writeString(folder.resolve("used.crt"), "no certificate");
    assertThat(shown()).isEqualTo(second.value());
    Files.copy(second.certificate(), folder.resolve("used.crt"), REPLACE_EXISTING);
  }

  @Test
  void commandsFindTheServer() {
    assertThat(new ServerProbe(gateway.settings()).server().map(RunningServer::url))
        .hasValue("https://127.0.0.1:" + port());
  }

  @Test
  void filesThatDoNotBelongTogetherStopTheStart() throws Exception {
    PemFiles other = PemFiles.create(folder, "other", "RSA");
    PemFiles another = PemFiles.create(folder, "another", "RSA");

    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() ->
            Gateway.start(
                    folder.resolve("other-data"),
                    Map.of(
                        "TLS_CERTIFICATE", other.certificate().toString(),
                        "TLS_KEY", another.key().toString()))
                .close())
        .withMessageContaining("TLS_CERTIFICATE and TLS_KEY cannot be used")
        .withMessageContaining("does not belong");
  }

  private static int port() {
    return gateway.port();
  }

  /** The certificate that the server shows. */
  private static Certificate shown() throws Exception {
    try (SSLSocket client = (SSLSocket) connect()) {
      client.startHandshake();
      return client.getSession().getPeerCertificates()[0];
    }
  }

  private static Socket connect() throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new TrustsAll()}, new SecureRandom());
    return context.getSocketFactory().createSocket("127.0.0.1", port());
  }

  /** Lets a test see a certificate that it does not know. */
  private static final class TrustsAll extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(
        X509Certificate[] chain, String type, javax.net.ssl.SSLEngine engine) {}

    @Override
    public void checkServerTrusted(
        X509Certificate[] chain, String type, javax.net.ssl.SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
