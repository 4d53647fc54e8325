package dev.llmproxy.app;

import dev.llmproxy.base.Settings;
import java.util.Properties;
import org.apache.camel.main.Main;
import org.apache.camel.main.SimpleMainShutdownStrategy;

/**
 * The running gateway: the application's HTTP server and a CamelContext with the routes of the
 * folder {@code routes/}. The server is not Camel's, so that routes can be exchanged under it.
 */
public final class Server implements AutoCloseable {
  private final Application application;
  private final Main main;
  private final HttpListener http;

  private Server(Application application, Main main, HttpListener http) {
    this.application = application;
    this.main = main;
    this.http = http;
  }

  /**
   * Starts the routes, then listens.
   *
   * @param application what the routes use; closed with the server
   * @throws IllegalStateException when a route cannot be started or the port is taken; everything
   *     is closed then
   */
  public static Server start(Application application) {
    HttpListener http = new HttpListener(application);
    Server server = new Server(application, routes(application, http), http);
    try {
      server.main.start();
      http.watch(server.main.getCamelContext());
      http.listen(application.settings().integer("PORT"));
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  /**
   * Tries whether a server with these settings could listen.
   *
   * @throws IllegalStateException that says what to set, when it could not
   */
  public static void tryToListen(Settings settings) {
    HttpListener.tryToListen(settings);
  }

  /** The port it listens on. */
  public int port() {
    return http.port();
  }

  /** Takes no more requests, lets running ones end for a moment, and closes everything. */
  @Override
  public void close() {
    main.stop();
    http.close();
    application.close();
  }

  private static Main routes(Application application, HttpListener http) {
    Settings settings = application.settings();
    Main main = new Main();
    // Main's own strategy adds a JVM shutdown hook that would keep every context it ever made.
    main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    main.setPropertyPlaceholderLocations(
        "file:" + settings.home().resolve("application.properties"));
    Properties values = new Properties();
    values.putAll(settings.asMap());
    main.setOverrideProperties(values);
    main.configure()
        .withRoutesIncludePattern("file:" + settings.home().resolve("routes") + "/*.camel.yaml");
    main.bind(http.router().getName(), http.router());
    return main;
  }
}
