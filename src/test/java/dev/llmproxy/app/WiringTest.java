package dev.llmproxy.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SteadyClock;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.main.Main;
import org.apache.camel.main.SimpleMainShutdownStrategy;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every part has one owner, and a failed start leaves no part open. */
class WiringTest {
  private static final int MORE_THAN_ALL_PARTS = 100;

  private static final String BROKEN_ROUTE =
      """
      - route:
          id: gate-limit
          from:
            uri: direct:gate-limit
            steps:
              - bean:
                  ref: missing
      """;

  @TempDir private Path folder;

  @Test
  void twoServersInOneProcessUseTheirOwnParts() {
    Application first = Application.open(settings(Map.of()));
    Application second = Application.open(settings(Map.of("LLMPROXY_DATA", data("second"))));
    try (Server server = Server.start(first);
        Server another = Server.start(second)) {
      Awaitility.await().until(first.keyDirectory()::loaded);
      Awaitility.await().until(second.keyDirectory()::loaded);
      assertThat(server.port()).isNotEqualTo(another.port());
    }
  }

  @Test
  void applicationClosesEveryPartWhenAnyStepFails() throws IOException {
    Settings settings = settings(Map.of("WORKBOOK_PORT", Integer.toString(freePort())));
    Set<String> before = threads();
    int step = 1;
    while (step < MORE_THAN_ALL_PARTS) {
      FailingParts parts = new FailingParts(step);
      Application application;
      try {
        application = Application.open(settings, Clock.systemUTC(), new SteadyClock(), parts);
      } catch (FailingParts.Failure e) {
        assertNothingIsOpen(settings, before);
        step++;
        continue;
      }
      application.close();
      break;
    }
    assertThat(step).isBetween(8, MORE_THAN_ALL_PARTS - 1);
    assertNothingIsOpen(settings, before);
  }

  @Test
  void serverClosesTheApplicationWhenAnyStepFails() throws IOException {
    Settings settings = settings(Map.of("WORKBOOK_PORT", Integer.toString(freePort())));
    Set<String> before = threads();
    for (int step = 1; step <= 3; step++) {
      Application application = Application.open(settings);
      FailingParts parts = new FailingParts(step);
      assertThatThrownBy(() -> Server.start(application, parts))
          .isInstanceOf(FailingParts.Failure.class);
      assertNothingIsOpen(settings, before);
    }
  }

  @Test
  void serverClosesTheApplicationWhenARouteOrThePortFails() throws IOException {
    Set<String> before = threads();
    try (ServerSocket taken = new ServerSocket(0)) {
      Settings settings = settings(Map.of("PORT", Integer.toString(taken.getLocalPort())));
      Application application = Application.open(settings);
      assertThatThrownBy(() -> Server.start(application)).hasMessageContaining("Set PORT");
      assertNothingIsOpen(settings, before);
    }
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("routes/gate-limit.camel.yaml"), BROKEN_ROUTE);
    Settings settings = Settings.load(home, environment(Map.of()));
    Application application = Application.open(settings);
    assertThatThrownBy(() -> Server.start(application)).isInstanceOf(RuntimeException.class);
    assertNothingIsOpen(settings, before);
  }

  @Test
  void camelRunClosesTheApplicationWhenItStopsAndAfterAFailedStart() throws Exception {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Path file = home.resolve("application.properties");
    StringBuilder lines = new StringBuilder(Files.readString(file));
    environment(Map.of())
        .forEach((name, value) -> lines.append(name).append(" = ").append(value).append('\n'));
    Files.writeString(file, lines);
    Settings settings = Settings.load(home, Map.of());
    Set<String> before = threads();
    String ownHome = System.getProperty("llmproxy.home");
    System.setProperty("llmproxy.home", home.toString());
    try {
      Main main = camelRun(home);
      main.start();
      Application application = main.lookupByType(Application.class).get("application");
      assertThat(application).isSameAs(CamelRun.application());
      assertThatExceptionOfType(RuntimeException.class)
          .isThrownBy(() -> Application.open(settings));
      main.stop();
      assertNothingIsOpen(settings, before);

      Files.writeString(home.resolve("routes/gate-limit.camel.yaml"), BROKEN_ROUTE);
      Main broken = camelRun(home);
      assertThatThrownBy(broken::start).isInstanceOf(RuntimeException.class);
      CamelRun.closeUnlessRunning();
      assertNothingIsOpen(settings, before);
    } finally {
      if (ownHome == null) {
        System.clearProperty("llmproxy.home");
      } else {
        System.setProperty("llmproxy.home", ownHome);
      }
    }
  }

  /** As {@code camel run routes/* application.properties}, with the files in the shell's order. */
  private static Main camelRun(Path home) throws IOException {
    String files;
    try (Stream<Path> routes = Files.list(home.resolve("routes"))) {
      files =
          routes
              .filter(Files::isRegularFile)
              .sorted()
              .map(file -> "file:" + file)
              .collect(Collectors.joining(","));
    }
    Main main = new Main();
    main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    main.setPropertyPlaceholderLocations("file:" + home.resolve("application.properties"));
    main.configure().withRoutesIncludePattern(files);
    main.configure().httpServer().withEnabled(true);
    return main;
  }

  private Settings settings(Map<String, String> more) {
    return Settings.load(Path.of(""), environment(more));
  }

  private Map<String, String> environment(Map<String, String> more) {
    Map<String, String> environment = new HashMap<>();
    environment.put("PORT", "0");
    environment.put("HOST", "127.0.0.1");
    environment.put("LLMPROXY_DATA", data("data"));
    environment.put("LOCAL_MODEL", "off");
    environment.putAll(more);
    return environment;
  }

  private String data(String name) {
    return folder.resolve(name).toString();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** Threads end, and a second application can be opened: locks, files and ports are free. */
  private static void assertNothingIsOpen(Settings settings, Set<String> before) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(() -> assertThat(threads()).isSubsetOf(before));
    Application.open(settings).close();
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(() -> assertThat(threads()).isSubsetOf(before));
  }

  /** The names of the threads that a part of the application starts. */
  private static Set<String> threads() {
    Set<String> names = new TreeSet<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.isAlive()
          && thread
              .getName()
              .matches("(?i)(vert\\.x|ledger|workbook|usage|mcp|request-|Camel).*")) {
        names.add(thread.getName());
      }
    }
    return names;
  }

  /** Fails after a number of parts have been opened. */
  private static final class FailingParts extends OpenParts {
    private int left;

    FailingParts(int step) {
      left = step;
    }

    @Override
    <T extends AutoCloseable> T add(T part) {
      super.add(part);
      if (--left == 0) {
        throw new Failure();
      }
      return part;
    }

    static final class Failure extends RuntimeException {}
  }
}
