package dev.llmproxy.cli;

import dev.llmproxy.app.RunningServer;
import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.TlsSettings;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Finds the server of the data folder, and distinguishes it from other programs that listen. */
final class ServerProbe {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** The kind of program that listens at an address. */
  enum Listener {
    NOBODY,
    /** The server of this data folder. */
    OURS,
    /** An llmproxy whose instance is not the one in the folder's {@code server.json}. */
    ANOTHER_LLMPROXY,
    /** A program that does not answer in time. */
    SILENT,
    ANOTHER_PROGRAM
  }

  private final Path data;
  private final TlsSettings tls;
  private final Optional<RunningServer> recorded;

  ServerProbe(Settings settings) {
    data = settings.path("LLMPROXY_DATA");
    tls = HttpSettings.of(settings).tls();
    recorded = RunningServer.of(data);
  }

  Path data() {
    return data;
  }

  /** The scheme of the server's address. */
  String scheme() {
    return tls.scheme();
  }

  /** The server that uses the data folder, if it answers. */
  Optional<RunningServer> server() {
    return recorded.filter(server -> at(server.url()) == Listener.OURS);
  }

  /**
   * Finds out which kind of program listens at the address.
   *
   * @param url without a slash at the end
   */
  Listener at(String url) {
    HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(PATIENCE);
    OwnCertificate.context(tls).ifPresent(builder::sslContext);
    try (HttpClient client = builder.build()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(url + "/openapi.json")).timeout(PATIENCE).build();
      HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      Optional<String> instance = answer.headers().firstValue(RunningServer.HEADER);
      if (instance.isPresent() && instance.equals(recorded.map(RunningServer::instance))) {
        return Listener.OURS;
      }
      return Json.parse(answer.body()).path("info").path("title").asText().equals("llmproxy")
          ? Listener.ANOTHER_LLMPROXY
          : Listener.ANOTHER_PROGRAM;
    } catch (ConnectException e) {
      return Listener.NOBODY;
    } catch (HttpTimeoutException e) {
      return Listener.SILENT;
    } catch (IOException | IllegalArgumentException e) {
      return Listener.ANOTHER_PROGRAM;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Listener.NOBODY;
    }
  }
}
