package dev.llmproxy.app;

import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Settings;
import java.util.Properties;
import org.apache.camel.main.Main;
import org.apache.camel.main.SimpleMainShutdownStrategy;

/**
 * The running gateway: the application's HTTP server and a CamelContext with the routes of the
 * folder {@code routes/} and of OPTIONAL_ROUTES. The server is not Camel's own, so that it stays
 * open while routes are replaced.
 */
public final class Server implements AutoCloseable {
  /** The one file of routes/ that only {@code camel run} loads. */
  private static final String FOR_CAMEL_RUN = "**/application.camel.yaml";

  private final OpenParts parts;
  private final HttpListener http;

  private Server(OpenParts parts, HttpListener http) {
    this.parts = parts;
    this.http = http;
  }

  /**
   * Starts the routes, then listens.
   *
   * @param application owns the parts that the routes use; closed with the server
   * @throws IllegalStateException when a route cannot be started or the port is taken; everything
   *     is closed then, the application too
   */
  public static Server start(Application application) {
    return start(application, new OpenParts());
  }

  static Server start(Application application, OpenParts parts) {
    try {
      parts.add(application);
      HttpListener http = parts.add(new HttpListener(application));
      Main main = routes(application, http);
      parts.add(main::stop);
      main.start();
      http.refuseWhileStopping(main.getCamelContext());
      http.listen(application.values().http().port());
      return new Server(parts, http);
    } catch (RuntimeException | Error e) {
      parts.closeAfter(e);
      throw e;
    }
  }

  /**
   * Checks whether a server with these settings could listen.
   *
   * @throws IllegalStateException when it could not; the message names the setting to change
   */
  public static void tryToListen(Settings settings) {
    HttpListener.tryToListen(HttpSettings.of(settings));
  }

  /** The port on which the server listens. */
  public int port() {
    return http.port();
  }

  /** Refuses new requests, waits a limited time for running ones, and closes everything. */
  @Override
  public void close() {
    parts.close();
  }

  private static Main routes(Application application, HttpListener http) {
    Settings settings = application.settings();
    Main main = new Main();
    // Main's default strategy adds a JVM shutdown hook that references every context it has
    // created.
    main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    main.setPropertyPlaceholderLocations(
        "file:" + settings.home().resolve("application.properties"));
    Properties values = new Properties();
    values.putAll(settings.asMap());
    main.setOverrideProperties(values);
    main.configure()
        .withRoutesIncludePattern(application.values().routes().pattern())
        .withRoutesExcludePattern(FOR_CAMEL_RUN);
    main.bind("application", application);
    main.bind(http.router().getName(), http.router());
    return main;
  }
}
