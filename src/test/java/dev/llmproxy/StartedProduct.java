package dev.llmproxy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/**
 * The product's own command {@code start} in a process of its own, with the log that an operator
 * gets. The classes are those that were just compiled; no jar is needed.
 */
public final class StartedProduct implements AutoCloseable {
  private static final Pattern READY =
      Pattern.compile("llmproxy is ready: http://localhost:(\\d+)/v1");
  private static final Pattern KEY = Pattern.compile("(?m)^ +(sk-\\S+)$");

  private final Process process;
  private final Path output;
  private final Path log;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private StartedProduct(Process process, Path output, Path log) {
    this.process = process;
    this.output = output;
    this.log = log;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param home folder of application.properties, routes and providers
   * @param folder for data and log; exists
   * @param environment besides that of a test server
   */
  public static StartedProduct start(Path home, Path folder, Map<String, String> environment)
      throws IOException {
    Path output = folder.resolve("output.txt");
    Path log = folder.resolve("log.txt");
    ProcessBuilder builder =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-Dllmproxy.home=" + home,
                "-cp",
                System.getProperty("java.class.path"),
                "dev.llmproxy.cli.LlmProxyCommand",
                "start",
                "--first-key")
            .redirectOutput(output.toFile())
            .redirectError(log.toFile());
    builder.environment().clear();
    builder
        .environment()
        .putAll(
            Map.of(
                "PORT",
                "0",
                "HOST",
                "127.0.0.1",
                "LOCAL_MODEL",
                "off",
                "LLMPROXY_DATA",
                folder.resolve("data").toString()));
    builder.environment().putAll(environment);
    StartedProduct product = new StartedProduct(builder.start(), output, log);
    Awaitility.await()
        .atMost(Duration.ofMinutes(3))
        .until(() -> READY.matcher(product.output()).find() || !product.process.isAlive());
    if (!product.process.isAlive()) {
      throw new IllegalStateException("The product does not start:\n" + product.log());
    }
    return product;
  }

  /** The key that the start has made. */
  public String firstKey() {
    return found(KEY);
  }

  public int port() {
    return Integer.parseInt(found(READY));
  }

  /** Standard output so far. */
  public String output() {
    return read(output);
  }

  /** Standard error so far. */
  public String log() {
    return read(log);
  }

  /** Posts JSON with a bearer token. */
  public HttpResponse<String> post(String path, String key, String body)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
            .timeout(Duration.ofMinutes(1))
            .header("Authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Ends it as an operator does, and waits for its last words. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(90, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IllegalStateException("The product does not stop:\n" + log());
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private String found(Pattern pattern) {
    // What it says comes line by line.
    Awaitility.await().until(() -> pattern.matcher(output()).find() || !process.isAlive());
    Matcher matcher = pattern.matcher(output());
    if (!matcher.find()) {
      throw new IllegalStateException(pattern + " is not in:\n" + output());
    }
    return matcher.group(1);
  }

  private static String read(Path file) {
    try {
      // What a terminal would get, even if it is not text.
      return Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The classes to name in a message. */
  @Override
  public String toString() {
    return List.of(output, log).toString();
  }
}
