package dev.llmproxy.http;

import dev.llmproxy.error.ApiError;

/** Logs requests that are refused. */
public interface RefusalLog {
  /**
   * Logs a request that was refused.
   *
   * @param requestId its {@code x-request-id}
   * @param user the caller's e-mail address, or null when it is not known
   * @param address the client's IP address
   * @param method HTTP method
   * @param path path as the client sent it, without the query
   */
  void refused(
      ApiError error, String requestId, String user, String address, String method, String path);
}
