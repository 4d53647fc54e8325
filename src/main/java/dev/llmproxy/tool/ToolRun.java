package dev.llmproxy.tool;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CompletionService;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Tool calls that run at the same time. Gives their results in the order in which the calls end.
 * One thread uses a run; any thread may call {@link #close}, which stops the calls.
 */
public final class ToolRun implements AutoCloseable {
  /** A finished call and its result. */
  public record Finished(ToolCall call, ToolResult result) {}

  private final ToolRunner runner;

  private record Numbered(int number, Finished finished) {}

  private record Running(ToolCall call, Future<Numbered> future) {}

  private final Map<Integer, Running> running = new LinkedHashMap<>();
  private final CompletionService<Numbered> ended;
  private final Deque<Finished> over = new ArrayDeque<>();
  private final long started = System.nanoTime();
  private final Duration timeout;

  ToolRun(
      ToolRunner runner,
      Executor threads,
      Duration timeout,
      int mostAtOnce,
      List<ToolCall> calls,
      Set<String> offered,
      Set<ToolCall> tooOften) {
    this.runner = runner;
    this.timeout = timeout;
    ended = new ExecutorCompletionService<>(threads);
    for (ToolCall call : calls) {
      if (tooOften.contains(call)) {
        over.add(new Finished(call, runner.tooOften(call, started)));
      } else if (running.size() < mostAtOnce) {
        int number = running.size();
        running.put(
            number,
            new Running(
                call,
                ended.submit(() ->
                    new Numbered(number, new Finished(call, runner.run(call, offered, started))))));
      } else {
        over.add(new Finished(call, runner.tooMany(call, mostAtOnce, started)));
      }
    }
  }

  /** Whether {@link #next} has another result. */
  public boolean hasNext() {
    return !over.isEmpty() || !running.isEmpty();
  }

  /**
   * Waits for the next result, at most until the timeout of the calls.
   *
   * @throws InterruptedException when the current thread is interrupted
   */
  public Finished next() throws InterruptedException {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    if (over.isEmpty()) {
      long left = timeout.toNanos() - (System.nanoTime() - started);
      Future<Numbered> first = ended.poll(left, TimeUnit.NANOSECONDS);
      if (first == null) {
        close();
        running
            .values()
            .forEach(
                slow -> over.add(new Finished(slow.call(), runner.tooSlow(slow.call(), started))));
        running.clear();
      } else {
        Numbered result = first.resultNow();
        running.remove(result.number());
        over.add(result.finished());
      }
    }
    return over.remove();
  }

  /** Ends the calls that still run. */
  @Override
  public void close() {
    running.values().forEach(one -> one.future().cancel(true));
  }
}
