package dev.llmproxy;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Sets the default timeout of Awaitility to what a slow machine may need. */
public final class Patience implements BeforeAllCallback {
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

  @Override
  public void beforeAll(ExtensionContext context) {
    Awaitility.setDefaultTimeout(LONGEST_WAIT);
  }
}
