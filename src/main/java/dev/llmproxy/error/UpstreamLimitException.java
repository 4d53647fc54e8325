package dev.llmproxy.error;

import java.io.IOException;

/** A provider's answer exceeds a limit of this server. */
public final class UpstreamLimitException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * @param what end of a sentence that begins with the provider's name, for clients and the log
   */
  public UpstreamLimitException(String what) {
    super(what);
  }

  /** The answer is larger than the limit, in MB. */
  public static UpstreamLimitException answer(long mostBytes) {
    return new UpstreamLimitException(
        "sent an answer of more than %d MB, the limit of this server (PROVIDER_ANSWER_MB)"
            .formatted(mostBytes >> 20));
  }
}
