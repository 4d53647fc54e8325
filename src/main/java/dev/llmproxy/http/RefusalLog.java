package dev.llmproxy.http;

import dev.llmproxy.error.ApiError;

/** Logs requests that are refused. */
public interface RefusalLog {
  /**
   * Logs a request that was refused.
   *
   * @param requestId its {@code x-request-id}
   * @param user who asked, or null when that is not known
   * @param address the other end of the connection
   * @param method of HTTP
   * @param path without the query, as the client sent it
   */
  void refused(
      ApiError error, String requestId, String user, String address, String method, String path);
}
