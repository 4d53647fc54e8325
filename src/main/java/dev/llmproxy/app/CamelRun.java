package dev.llmproxy.app;

import dev.llmproxy.base.Settings;

/**
 * The application of {@code camel run}. Camel creates beans with static methods, and creates them
 * again after each edit in {@code --dev}; so this one reference is static.
 */
public final class CamelRun {
  private static Application application;
  private static boolean running;
  private static boolean hooked;

  private CamelRun() {}

  /**
   * Opens the application from {@link Settings#defaultHome} at the first call.
   *
   * @throws RuntimeException as {@link Application#open}
   */
  public static synchronized Application application() {
    if (application == null) {
      Settings settings = Settings.load(Settings.defaultHome());
      settings.checkForCamelsMain();
      application = Application.open(settings);
      if (!hooked) {
        hooked = true;
        Runtime.getRuntime()
            .addShutdownHook(new Thread(CamelRun::closeUnlessRunning, "llmproxy-stop"));
      }
    }
    return application;
  }

  /** Notes that the routes have started. From now on the application closes with their context. */
  static synchronized void running() {
    running = true;
  }

  /** Closes the application after a failed start: Camel then exits without stopping the context. */
  static synchronized void closeUnlessRunning() {
    if (!running) {
      close();
    }
  }

  /** Closes the application if it is open. */
  static synchronized void close() {
    if (application != null) {
      application.close();
      application = null;
      running = false;
    }
  }
}
