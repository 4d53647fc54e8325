package dev.llmproxy.app;

import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.HttpFront;
import java.util.OptionalInt;

/**
 * The running gateway: the application's HTTP server and a CamelContext with the routes of the
 * folder {@code routes/} and of OPTIONAL_ROUTES. The server is not Camel's own, so that it stays
 * open while routes are replaced.
 */
public final class Server implements AutoCloseable {
  private final OpenParts parts;
  private final HttpListener http;
  private final Generations generations;
  private final Drain drain;

  private Server(OpenParts parts, HttpListener http, Generations generations, Drain drain) {
    this.parts = parts;
    this.http = http;
    this.generations = generations;
    this.drain = drain;
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
      HttpFront front = HttpListener.front(application);
      Generations generations = new Generations(application, front);
      HttpListener http = parts.add(new HttpListener(application, front, generations::enter));
      parts.add(generations);
      application.setLiveEdits(generations);
      FileWatch watch =
          new FileWatch(
              application.settings().home(),
              application.settings().path("LLMPROXY_DATA"),
              application.values().lifecycle().watch(),
              generations);
      parts.add(watch);
      generations.start();
      watch.start();
      http.listen(application.values().http().port());
      return new Server(parts, http, generations, new Drain(application, front, generations::all));
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

  /** Ends all running requests with an error. */
  public void cut(ApiError why) {
    generations.cut(why);
  }

  /** The port for health and metrics; empty when it is that of the API. */
  public OptionalInt managementPort() {
    return http.managementPort();
  }

  /**
   * Refuses new requests, waits a limited time for running ones, writes what they have used to the
   * workbook, and closes everything.
   */
  @Override
  public void close() {
    drain.run();
    parts.close();
  }
}
