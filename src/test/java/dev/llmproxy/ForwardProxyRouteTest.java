package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.emulator.LoopbackServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Providers behind a proxy. Their host names do not resolve on this machine. */
class ForwardProxyRouteTest {
  private static final ConcurrentLinkedQueue<String> ASKED = new ConcurrentLinkedQueue<>();
  private static LoopbackServer proxy;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    proxy = LoopbackServer.start(ForwardProxyRouteTest::answer);
    Path home = OwnHome.copyTo(folder.resolve("home"));
    for (String name : new String[] {"plain", "secure", "near"}) {
      Files.writeString(home.resolve("providers/" + name + ".yaml"), "format: openai\n");
    }
    String address = "127.0.0.1:" + proxy.port();
    gateway =
        Gateway.startAt(
            home,
            folder.resolve("data"),
            Map.of(
                "http_proxy", "http://ann:s%40cret@" + address,
                "HTTPS_PROXY", address,
                "no_proxy", "other.invalid, .near.invalid",
                "PLAIN_BASE_URL", "http://plain.invalid/v1",
                "SECURE_BASE_URL", "https://secure.invalid/v1",
                "NEAR_BASE_URL", "http://a.near.invalid/v1"));
    key = gateway.createKey("ann@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    proxy.close();
  }

  /** A proxy that asks for the password once, and answers with an error of its own. */
  private static void answer(Socket socket) throws IOException {
    BufferedReader in =
        new BufferedReader(
            new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
    StringBuilder head = new StringBuilder();
    for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
      head.append(line).append('\n');
    }
    ASKED.add(head.toString());
    boolean plain = head.toString().startsWith("POST");
    boolean known = head.toString().contains("Proxy-Authorization: ");
    String answer =
        plain && !known
            ? "HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            : "HTTP/1.1 400 X\r\nContent-Length: 14\r\nConnection: close\r\n\r\nfrom the proxy";
    socket.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
  }

  @Test
  void httpProvidersAreCalledThroughTheProxyWithItsPassword() {
    HttpResponse<String> response = gateway.chat(key, "plain/m", false, "hello");

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(response.body()).contains("from the proxy");
    String password =
        Base64.getEncoder().encodeToString("ann:s@cret".getBytes(StandardCharsets.UTF_8));
    assertThat(ASKED)
        .anySatisfy(head ->
            assertThat(head)
                .startsWith("POST http://plain.invalid/v1/chat/completions ")
                .contains("Proxy-Authorization: Basic " + password));
  }

  @Test
  void httpsProvidersAreCalledThroughATunnel() {
    assertThat(gateway.chat(key, "secure/m", false, "hello").body()).contains("from the proxy");
    assertThat(ASKED)
        .anySatisfy(head ->
            assertThat(head).startsWith("CONNECT secure.invalid:443 ").doesNotContain("Bearer"));
  }

  @Test
  void hostsInNoProxyAndThisMachineAreCalledDirectly() {
    assertThat(gateway.chat(key, "near/m", false, "hello").body()).contains("host name is unknown");
    assertThat(gateway.chat(key, "openai/scripted", false, "hello").statusCode()).isEqualTo(200);
    assertThat(ASKED)
        .noneMatch(head -> head.contains("near.invalid") || head.contains("127.0.0.1"));
  }
}
