package dev.llmproxy.cli;

import dev.llmproxy.Json;
import dev.llmproxy.Settings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;

/** Whether the server can listen, or does so already. */
final class PortCheck {
  private static final String CHECK = "port";
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final Settings settings;

  PortCheck(Settings settings) {
    this.settings = settings;
  }

  List<Finding> run() {
    int port = settings.integer("PORT", 0, 65_535);
    String host = settings.text("HOST");
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(host, port));
      return List.of(
          Finding.ok(
              CHECK, port == 0 ? "any free one is taken" : port + " on " + host + " is free"));
    } catch (IOException e) {
      return List.of(
          isLlmproxy(host, port)
              ? Finding.ok(CHECK, "llmproxy runs on " + port)
              : Finding.problem(
                  CHECK,
                  "%d on %s cannot be used: %s".formatted(port, host, e.getMessage()),
                  "End the program that has it, or set PORT to another"));
    }
  }

  /** Its description of the API says who it is. */
  private static boolean isLlmproxy(String host, int port) {
    String address = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
    try (HttpClient client = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://" + address + ":" + port + "/openapi.json"))
              .timeout(PATIENCE)
              .build();
      String answer = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
      return Json.parse(answer).path("info").path("title").asText().equals("llmproxy");
    } catch (IOException | IllegalArgumentException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
