package dev.llmproxy.ledger;

import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Settlement;
import dev.llmproxy.call.Status;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;

/** Settles random requests, of a few keys and models, over some months, some with absurd values. */
final class RandomUsage {
  private static final Instant BEGIN = Instant.parse("2026-01-20T00:00:00Z");
  private static final int HOURS = 70 * 24;
  private static final List<String> EMAILS =
      List.of("user@example.com", "User@Example.com", "ann@example.com", "bob@example.com");
  private static final List<String> MODELS =
      List.of("openai/x", "groq/llama", "a/<script>alert(1)</script>", "a/=1+1");

  private static final List<Status> STATUSES = List.of(Status.values());

  private final Random random;
  private int number;

  RandomUsage(Random random) {
    this.random = random;
  }

  static String keyHash(int number) {
    return "%064x".formatted(number);
  }

  static Admission admission(String requestId, String keyHash, Instant admitted) {
    return new Admission(
        requestId,
        admitted,
        new Caller("user@example.com", "Key", keyHash, "free"),
        "chat",
        "openai/x",
        "rest-api");
  }

  void settle(Ledger ledger, int requests) {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < requests; i++) {
        Admission admission = admission();
        Settlement settlement = settlement(admission.requestId());
        threads.execute(() -> {
          ledger.admit(admission);
          ledger.settle(settlement);
        });
      }
    }
  }

  private Admission admission() {
    String email = EMAILS.get(random.nextInt(EMAILS.size()));
    String keyHash = random.nextInt(5) == 0 ? "" : keyHash(random.nextInt(6));
    return new Admission(
        "random-" + number++,
        BEGIN.plusMillis(random.nextLong(HOURS * 3_600_000L)),
        new Caller(email, "Key", keyHash, "free"),
        random.nextInt(4) == 0 ? "embedding" : "chat",
        MODELS.get(random.nextInt(MODELS.size())),
        "rest-api");
  }

  private Settlement settlement(String requestId) {
    boolean absurd = random.nextInt(10) == 0;
    return new Settlement(
        requestId,
        STATUSES.get(random.nextInt(STATUSES.size())),
        absurd ? Long.MAX_VALUE - random.nextInt(1000) : random.nextInt(10_000),
        random.nextInt(3) == 0 ? 0 : random.nextLong(100_000_000_000L),
        random.nextInt(5),
        random.nextInt(5),
        random.nextInt(4) == 0
            ? null
            : BigDecimal.valueOf(random.nextLong(absurd ? Long.MAX_VALUE : 1_000_000_000_000L), 12),
        Duration.ofMillis(
            random.nextInt(4) == 0
                ? UsageMeasures.LIMITS.get(random.nextInt(UsageMeasures.LIMITS.size()))
                : random.nextInt(200_000)));
  }
}
