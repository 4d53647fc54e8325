package dev.llmproxy.provider.gemini;

import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.provider.Refusal;
import dev.llmproxy.provider.UpstreamErrors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Google's <a href="https://cloud.google.com/apis/design/errors">errors</a>. */
final class GeminiErrors {
  /** The region or the billing of this server's account, not the client's request. */
  private static final Pattern ABOUT_ACCOUNT =
      Pattern.compile("\"status\"\\s*:\\s*\"FAILED_PRECONDITION\"");

  private static final Pattern WAIT =
      Pattern.compile("\"retryDelay\"\\s*:\\s*\"(\\d{1,6})(\\.\\d+)?s\"");

  private GeminiErrors() {}

  /** Maps an error answer. */
  static ApiError of(Provider from, Refusal refusal) {
    int status = refusal.status();
    if (status == 400 && ABOUT_ACCOUNT.matcher(refusal.body()).find()) {
      status = 403;
    }
    String retryAfter = refusal.retryAfter();
    Matcher wait = WAIT.matcher(refusal.body());
    if (retryAfter == null && wait.find()) {
      long seconds = Long.parseLong(wait.group(1)) + (wait.group(2) == null ? 0 : 1);
      retryAfter = Long.toString(seconds);
    }
    return UpstreamErrors.of(
        from, new Refusal(status, retryAfter, refusal.location(), refusal.body(), refusal.input()));
  }
}
