package dev.llmproxy.app;

import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
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

  private final ScheduledExecutorService pool =
      Executors.newScheduledThreadPool(
          MOST, Thread.ofPlatform().daemon().name("workbook-call-", 0).factory());

  /** A factory for one CamelContext. */
  ThreadPoolFactory factory() {
    return new DefaultThreadPoolFactory() {
      @Override
      public ScheduledExecutorService newScheduledThreadPool(
          ThreadPoolProfile profile, ThreadFactory threads) {
        return threads.toString().contains(COMPONENT)
            ? new Shared(pool)
            : super.newScheduledThreadPool(profile, threads);
      }
    };
  }

  @Override
  public void close() {
    pool.shutdownNow();
  }

  /**
   * The threads, as one CamelContext sees them. It may end them for itself; calls of components
   * that still have this object go on.
   */
  private static final class Shared extends AbstractExecutorService
      implements ScheduledExecutorService {
    private final ScheduledExecutorService pool;
    private volatile boolean ended;

    Shared(ScheduledExecutorService pool) {
      this.pool = pool;
    }

    @Override
    public void execute(Runnable call) {
      pool.execute(call);
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable call, long delay, TimeUnit unit) {
      return pool.schedule(call, delay, unit);
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> call, long delay, TimeUnit unit) {
      return pool.schedule(call, delay, unit);
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(
        Runnable call, long delay, long period, TimeUnit unit) {
      return pool.scheduleAtFixedRate(call, delay, period, unit);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
        Runnable call, long delay, long pause, TimeUnit unit) {
      return pool.scheduleWithFixedDelay(call, delay, pause, unit);
    }

    @Override
    public void shutdown() {
      ended = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
      ended = true;
      return List.of();
    }

    @Override
    public boolean isShutdown() {
      return ended;
    }

    @Override
    public boolean isTerminated() {
      return ended;
    }

    @Override
    public boolean awaitTermination(long time, TimeUnit unit) {
      return true;
    }
  }
}
