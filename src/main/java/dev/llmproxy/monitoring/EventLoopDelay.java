package dev.llmproxy.monitoring;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.EventExecutor;
import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxInternal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * Measures how late the event loops are: twice a second each one runs a task, whose delay is the
 * time for which it was not free. A loop that is late delays all clients of its connections.
 */
final class EventLoopDelay {
  private static final long EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final List<ScheduledFuture<?>> tasks = new ArrayList<>();

  EventLoopDelay(Vertx vertx, MeterRegistry registry) {
    Timer delay =
        Timer.builder("llmproxy.event.loop.delay")
            .description("How late the threads of the clients' connections are, by samples.")
            .serviceLevelObjectives(
                Duration.ofMillis(1),
                Duration.ofMillis(5),
                Duration.ofMillis(20),
                Duration.ofMillis(100),
                Duration.ofMillis(500),
                Duration.ofSeconds(2))
            .register(registry);
    for (EventExecutor loop : ((VertxInternal) vertx).getEventLoopGroup()) {
      tasks.add(sample((EventLoop) loop, delay));
    }
  }

  private static ScheduledFuture<?> sample(EventLoop loop, Timer delay) {
    long[] due = {System.nanoTime() + EVERY_NANOS};
    return loop.scheduleAtFixedRate(
        () -> {
          long now = System.nanoTime();
          delay.record(Math.max(0, now - due[0]), TimeUnit.NANOSECONDS);
          // After a long pause the missed samples follow at once; they say nothing new.
          due[0] = Math.max(due[0] + EVERY_NANOS, now);
        },
        EVERY_NANOS,
        EVERY_NANOS,
        TimeUnit.NANOSECONDS);
  }

  /** Ends the measurement. */
  void close() {
    tasks.forEach(task -> task.cancel(false));
  }
}
