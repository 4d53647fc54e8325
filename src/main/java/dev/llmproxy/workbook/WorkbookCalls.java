package dev.llmproxy.workbook;

import com.google.api.client.http.HttpMethods;
import com.google.api.client.http.HttpRequest;
import com.google.api.client.http.HttpResponse;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts the calls of the workbook's server, and their outcomes. Thread-safe. */
public final class WorkbookCalls {
  private static final int TOO_MANY = 429;
  private static final int SERVER_ERROR = 500;

  private final Map<Kind, LongAdder> counts = new ConcurrentHashMap<>();

  /** What became of a call. */
  public enum Outcome {
    /** It succeeded. */
    OK,
    /** The server refused it (4xx). */
    REFUSED,
    /** The quota of reads or writes was used up (429). */
    QUOTA,
    /** The server failed (5xx). */
    FAILED,
    /** No answer came. */
    NO_ANSWER
  }

  /**
   * A kind of call, as Google's quotas tell them apart.
   *
   * @param write whether it changes the workbook
   */
  public record Kind(boolean write, Outcome outcome) {}

  /** The number of calls of a kind. */
  public long count(Kind kind) {
    LongAdder count = counts.get(kind);
    return count == null ? 0 : count.sum();
  }

  /** Counts what becomes of a request. */
  void watch(HttpRequest request) {
    request.setResponseInterceptor(response -> add(response.getRequest(), outcome(response)));
    request.setIOExceptionHandler((failed, retries) -> {
      add(failed, Outcome.NO_ANSWER);
      return false;
    });
  }

  private void add(HttpRequest request, Outcome outcome) {
    boolean write = !HttpMethods.GET.equals(request.getRequestMethod());
    counts.computeIfAbsent(new Kind(write, outcome), added -> new LongAdder()).increment();
  }

  private static Outcome outcome(HttpResponse response) {
    if (response.isSuccessStatusCode()) {
      return Outcome.OK;
    }
    int status = response.getStatusCode();
    if (status == TOO_MANY) {
      return Outcome.QUOTA;
    }
    return status >= SERVER_ERROR ? Outcome.FAILED : Outcome.REFUSED;
  }
}
