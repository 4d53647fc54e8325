package dev.llmproxy;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/**
 * The product's command {@code start} in a process of its own. Its output is appended to {@code
 * output.txt} and its log to {@code log.txt}.
 */
public final class StartedProduct implements AutoCloseable {
  private static final Path JAR = Path.of("target", "llmproxy.jar");
  private static final Duration LONGEST = Duration.ofMinutes(3);
  private static final int KILLED = 128 + 9;
  private static final int TERMINATED = 128 + 15;
  private static final Pattern READY =
      Pattern.compile("llmproxy is ready: http://localhost:(\\d+)/v1");
  private static final Pattern KEY = Pattern.compile("(?m)^ +(sk-\\S+)$");

  private final Process process;
  private final Path output;
  private final Path log;
  private final String givenPort;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private StartedProduct(List<String> command, Path folder, Map<String, String> environment)
      throws IOException {
    output = folder.resolve("output.txt");
    log = folder.resolve("log.txt");
    givenPort = environment.get("PORT");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(append(output)).redirectError(append(log));
    builder.environment().clear();
    builder.environment().putAll(environment);
    process = builder.start();
  }

  private static ProcessBuilder.Redirect append(Path file) {
    return ProcessBuilder.Redirect.appendTo(new File(file.toString()));
  }

  /**
   * Starts the compiled classes with a first key, and waits until the server is ready.
   *
   * @param home folder of application.properties, routes and providers
   * @param folder existing folder for data, output and log
   * @param environment variables in addition to those of a test server
   */
  public static StartedProduct start(Path home, Path folder, Map<String, String> environment)
      throws IOException {
    List<String> command = java();
    command.addAll(
        List.of(
            "-Dllmproxy.home=" + home,
            "-cp",
            System.getProperty("java.class.path"),
            "dev.llmproxy.cli.LlmProxyCommand",
            "start",
            "--first-key"));
    return new StartedProduct(command, folder, testServer(folder, environment)).ready();
  }

  /**
   * Starts the jar.
   *
   * @param folder existing folder for output and log
   * @param environment the whole environment, with a PORT other than 0
   * @param archive class archive that makes starts quick; a process that ends normally writes it
   */
  public static StartedProduct startJar(Path folder, Map<String, String> environment, Path archive)
      throws IOException {
    requireJar();
    List<String> command = java();
    command.add("-XX:SharedArchiveFile=" + archive);
    if (!Files.exists(archive)) {
      command.add("-XX:+AutoCreateSharedArchive");
    }
    command.addAll(List.of("-Dllmproxy.home=.", "-jar", JAR.toString(), "start"));
    return new StartedProduct(command, folder, environment);
  }

  /**
   * Starts the jar with its launcher, as an operator does, and waits until the server is ready. The
   * launcher applies {@code JAVA_OPTS}.
   *
   * @param folder existing folder for data, output and log
   * @param environment variables in addition to those of a test server and the PATH and HOME of
   *     this process
   * @param openFiles value for {@code ulimit -n}; 0 for the limit of this process
   */
  public static StartedProduct launch(Path folder, Map<String, String> environment, int openFiles)
      throws IOException {
    requireJar();
    String limit = openFiles == 0 ? "" : "ulimit -n " + openFiles + " && ";
    Map<String, String> all = testServer(folder, environment);
    all.put("JAVA_HOME", System.getProperty("java.home"));
    for (String name : List.of("PATH", "HOME")) {
      all.putIfAbsent(name, System.getenv().getOrDefault(name, ""));
    }
    return new StartedProduct(List.of("sh", "-c", limit + "exec ./llmproxy start"), folder, all)
        .ready();
  }

  private static void requireJar() {
    if (!Files.exists(JAR)) {
      throw new IllegalStateException(
          JAR + " is missing: run this test by make test, make crash or make hostile");
    }
  }

  private static List<String> java() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    if (Runtime.version().feature() >= 24) {
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
    return command;
  }

  private static Map<String, String> testServer(Path folder, Map<String, String> environment) {
    Map<String, String> all = new HashMap<>();
    all.put("PORT", "0");
    all.put("HOST", "127.0.0.1");
    all.put("LOCAL_MODEL", "off");
    all.put("FIND_LOCAL_PROVIDERS", "off");
    all.put("LLMPROXY_DATA", folder.resolve("data").toString());
    all.putAll(environment);
    return all;
  }

  private StartedProduct ready() {
    try {
      found(READY);
      return this;
    } catch (RuntimeException e) {
      destroy();
      throw e;
    }
  }

  /** The key that the start has created. */
  public String firstKey() {
    return found(KEY);
  }

  public int port() {
    return Integer.parseInt(givenPort.equals("0") ? found(READY) : givenPort);
  }

  /** Gets a path with a bearer token. */
  public HttpResponse<String> get(String path, String key)
      throws IOException, InterruptedException {
    return client.send(
        request(path)
            .timeout(Duration.ofMinutes(1))
            .header("Authorization", "Bearer " + key)
            .build(),
        HttpResponse.BodyHandlers.ofString());
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
        request(path)
            .timeout(Duration.ofMinutes(1))
            .header("Authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Waits until the server answers; returns the time that this took. */
  public Duration awaitAnswer() throws InterruptedException {
    HttpRequest probe = request("/v1/models").timeout(Duration.ofSeconds(10)).build();
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < LONGEST.toNanos()) {
      requireAlive();
      try {
        client.send(probe, HttpResponse.BodyHandlers.discarding());
        return Duration.ofNanos(System.nanoTime() - begin);
      } catch (IOException notYet) {
        Thread.sleep(20);
      }
    }
    throw new IllegalStateException("The product does not start; see " + log);
  }

  /** Kills the process with kill -9. */
  public void kill() throws InterruptedException {
    requireAlive();
    process.destroyForcibly().waitFor();
    requireStatus(KILLED, KILLED);
  }

  /** Stops the process as an operator does, and waits for the end of its output. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)) {
        throw new IllegalStateException("The product does not stop:\n" + log());
      }
      requireStatus(0, TERMINATED);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      destroy();
    }
  }

  /** Kills the process, so that a failed test leaves none running. */
  public void destroy() {
    process.destroyForcibly();
  }

  /**
   * Fails when the process has ended.
   *
   * @throws IllegalStateException with the last lines of its log
   */
  public void requireAlive() {
    if (!process.isAlive()) {
      List<String> lines = log().lines().toList();
      throw new IllegalStateException(
          "The product ended by itself with status %d:%n%s"
              .formatted(
                  process.exitValue(),
                  String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()))));
    }
  }

  private void requireStatus(int one, int other) {
    int status = process.exitValue();
    if (status != one && status != other) {
      throw new IllegalStateException("The product ended with status " + status + "; see " + log);
    }
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path));
  }

  /** Waits for a match in the output. */
  private String found(Pattern pattern) {
    Matcher matcher =
        Awaitility.await()
            .atMost(LONGEST)
            .until(
                () -> {
                  boolean alive = process.isAlive();
                  Matcher next = pattern.matcher(output());
                  if (!next.find() && !alive) {
                    requireAlive();
                  }
                  return next;
                },
                Matcher::hasMatch);
    return matcher.group(1);
  }

  private static String read(Path file) {
    try {
      // Decodes like a terminal, even bytes that are not text.
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
