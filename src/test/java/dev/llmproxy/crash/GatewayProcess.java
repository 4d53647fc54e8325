package dev.llmproxy.crash;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** The built gateway in a process of its own, run as the launcher runs it. */
public final class GatewayProcess {
  private static final Path JAR = Path.of("target", "llmproxy.jar");
  private static final Duration LONGEST_START = Duration.ofMinutes(2);
  private static final int KILLED = 128 + 9;
  private static final int TERMINATED = 128 + 15;
  private static final int FIRST_EPHEMERAL_PORT = 32_768;
  private static final int FIRST_PORT = 20_000;

  private final Process process;
  private final Path log;
  private final HttpRequest probe;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private GatewayProcess(Process process, Path log, String baseUrl) {
    this.process = process;
    this.log = log;
    probe =
        HttpRequest.newBuilder(URI.create(baseUrl + "/v1/models"))
            .timeout(Duration.ofSeconds(10))
            .build();
  }

  /**
   * Starts the gateway.
   *
   * @param environment all of it; PORT must be in it
   * @param log gets what it prints, after what is there
   * @param archive of classes, which makes starts quick; one that ends by itself writes it
   */
  static GatewayProcess start(Map<String, String> environment, Path log, Path archive)
      throws IOException {
    if (!Files.exists(JAR)) {
      throw new IllegalStateException(
          JAR + " is missing: run this test by make test or make crash");
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    if (Runtime.version().feature() >= 24) {
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
    command.add("-XX:SharedArchiveFile=" + archive);
    if (!Files.exists(archive)) {
      command.add("-XX:+AutoCreateSharedArchive");
    }
    command.addAll(List.of("-Dllmproxy.home=.", "-jar", JAR.toString(), "start"));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(log.toString())));
    builder.environment().clear();
    builder.environment().putAll(environment);
    return new GatewayProcess(builder.start(), log, "http://127.0.0.1:" + environment.get("PORT"));
  }

  /**
   * Starts it as an operator does, by its launcher, who gives it {@code JAVA_OPTS}.
   *
   * @param environment all that it gets besides the PATH and HOME of this process; PORT must be in
   *     it
   * @param log gets what it prints, after what is there
   * @param openFiles what {@code ulimit -n} allows it; 0 for what this process has
   */
  public static GatewayProcess launch(Map<String, String> environment, Path log, int openFiles)
      throws IOException {
    if (!Files.exists(JAR)) {
      throw new IllegalStateException(
          JAR + " is missing: run this test by make test or make hostile");
    }
    String limit = openFiles == 0 ? "" : "ulimit -n " + openFiles + " && ";
    ProcessBuilder builder =
        new ProcessBuilder("sh", "-c", limit + "exec ./llmproxy start")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(log.toString())));
    builder.environment().keySet().retainAll(List.of("PATH", "HOME"));
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(environment);
    return new GatewayProcess(builder.start(), log, "http://127.0.0.1:" + environment.get("PORT"));
  }

  /** A free port that no outgoing connection takes while the gateway is dead. */
  public static int freePort(Random random) throws IOException {
    while (true) {
      int port = FIRST_PORT + random.nextInt(FIRST_EPHEMERAL_PORT - FIRST_PORT);
      try (ServerSocket socket = new ServerSocket()) {
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return port;
      } catch (IOException taken) {
        System.out.println("Port " + port + " is taken");
      }
    }
  }

  /** Waits until it answers; returns how long that took from now. */
  public Duration awaitAnswer() throws InterruptedException, IOException {
    long begin = System.nanoTime();
    while (true) {
      requireAlive();
      try {
        client.send(probe, HttpResponse.BodyHandlers.discarding());
        return Duration.ofNanos(System.nanoTime() - begin);
      } catch (IOException notYet) {
        Thread.sleep(20);
      }
      if (System.nanoTime() - begin > LONGEST_START.toNanos()) {
        throw new IllegalStateException("The gateway does not start; see " + log);
      }
    }
  }

  /** kill -9. */
  void kill() throws IOException, InterruptedException {
    requireAlive();
    process.destroyForcibly().waitFor();
    if (process.exitValue() != KILLED) {
      throw new IllegalStateException(
          "The gateway ended with status " + process.exitValue() + "; see " + log);
    }
  }

  /** The end that an operator asks for. */
  public void stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(LONGEST_START.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("The gateway does not stop; see " + log);
    }
    if (process.exitValue() != TERMINATED && process.exitValue() != 0) {
      throw new IllegalStateException(
          "The gateway stopped with status " + process.exitValue() + "; see " + log);
    }
  }

  /** Nobody is to be left behind by a test that fails. */
  public void destroy() {
    process.destroyForcibly();
  }

  /**
   * Fails when it has ended.
   *
   * @throws IllegalStateException with the last lines of its log
   */
  public void requireAlive() throws IOException {
    if (!process.isAlive()) {
      List<String> lines = Files.readAllLines(log);
      throw new IllegalStateException(
          "The gateway ended by itself with status %d:%n%s"
              .formatted(
                  process.exitValue(),
                  String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()))));
    }
  }
}
