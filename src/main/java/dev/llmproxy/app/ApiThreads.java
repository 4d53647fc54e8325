package dev.llmproxy.app;

import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import org.apache.camel.spi.ThreadPoolFactory;
import org.apache.camel.spi.ThreadPoolProfile;
import org.apache.camel.support.DefaultThreadPoolFactory;

/**
 * The threads of Camel's component google-sheets. Camel keeps them in a static field for all
 * CamelContexts, but ends them with the context that was the first to use them; calls of the others
 * then never return. So they belong to the application here.
 */
final class ApiThreads implements AutoCloseable {
  /** The name that the component gives its threads. */
  private static final String COMPONENT = "CamelGoogleSheets";

  private static final int MOST = 10;

  private final Pool pool = new Pool();

  /** A factory for one CamelContext. */
  ThreadPoolFactory factory() {
    return new DefaultThreadPoolFactory() {
      @Override
      public ScheduledExecutorService newScheduledThreadPool(
          ThreadPoolProfile profile, ThreadFactory threads) {
        return threads.toString().contains(COMPONENT)
            ? pool
            : super.newScheduledThreadPool(profile, threads);
      }
    };
  }

  @Override
  public void close() {
    pool.end();
  }

  /** Threads that a CamelContext cannot end. */
  private static final class Pool extends ScheduledThreadPoolExecutor {
    Pool() {
      super(MOST, Thread.ofPlatform().daemon().name("workbook-call-", 0).factory());
    }

    @Override
    public void shutdown() {
      // See end().
    }

    @Override
    public List<Runnable> shutdownNow() {
      return List.of();
    }

    void end() {
      super.shutdownNow();
    }
  }
}
