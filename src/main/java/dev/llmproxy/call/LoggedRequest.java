package dev.llmproxy.call;

import java.util.Map;
import org.apache.logging.log4j.core.util.ContextDataProvider;

/**
 * Gives each line of the JSON log that is written while a request is served the request's id. A
 * request has a thread of its own, whose name is the id, so this costs a request nothing.
 */
public final class LoggedRequest implements ContextDataProvider {
  static final String FIELD = "request_id";
  private static final String ID = "req_";

  /** Names the current thread after the request that it serves. */
  static void begin(String requestId) {
    Thread thread = Thread.currentThread();
    // Tests may serve a request on a thread of a pool.
    if (thread.isVirtual()) {
      thread.setName(requestId);
    }
  }

  /** Whether lines of the current thread have this request's id already. */
  static boolean has(Object requestId) {
    return Thread.currentThread().getName().equals(requestId);
  }

  @Override
  public Map<String, String> supplyContextData() {
    String name = Thread.currentThread().getName();
    return name.startsWith(ID) ? Map.of(FIELD, name) : Map.of();
  }
}
