package dev.llmproxy.crash;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * A request of a client and the answer as the client saw it. Its upstream model is unique, so that
 * the request can be found at the provider, in the ledger and in the sheets. Only its client writes
 * it; others read it after the client has ended.
 */
final class Attempt {
  /** The planned outcome, if the gateway is not killed. */
  enum Kind {
    WHOLE,
    STREAM,
    LONG_STREAM,
    CLIENT_LEAVES,
    PROVIDER_FAILS,
    PROVIDER_BREAKS_OFF;

    boolean streams() {
      return this != WHOLE && this != PROVIDER_FAILS;
    }
  }

  private static final int HUNDRED = 100;
  private static final List<Format> FORMATS = List.of(Format.values());

  final int number;
  final int life;
  final User user;
  final Kind kind;
  final Format format;
  final int chunks;
  final int gapMillis;
  final String message;

  int status;
  String requestId;

  /** When each chunk with content arrived, in System.nanoTime(). */
  final List<Long> chunksSeen = new ArrayList<>();

  boolean whole;
  String failure;

  Attempt(int number, int life, User user, Random random) {
    this.number = number;
    this.life = life;
    this.user = user;
    kind = kind(random.nextInt(HUNDRED));
    format = FORMATS.get(random.nextInt(FORMATS.size()));
    boolean slow = kind == Kind.LONG_STREAM || kind == Kind.CLIENT_LEAVES;
    // From " word100" on, the gateway estimates two tokens for a chunk.
    chunks = slow ? 40 + random.nextInt(60) : 1 + random.nextInt(15);
    gapMillis = slow ? 30 + random.nextInt(30) : random.nextInt(20);
    message =
        "Request %d of %s [[script chunks=%d gap=%d ttft=%d%s]]"
            .formatted(
                number,
                "one two three ".repeat(random.nextInt(4)),
                chunks,
                gapMillis,
                random.nextInt(80),
                mishap(random));
  }

  /** A user and the user's key. */
  record User(String email, String key) {}

  String model() {
    return "openai/crash-" + number;
  }

  /** The scripted provider counts words. */
  int promptTokens() {
    return message.strip().split("\\s+").length;
  }

  /** The gateway's estimate until the provider reports usage. */
  int estimatedPromptTokens() {
    return Math.ceilDiv(message.length(), 4);
  }

  @Override
  public String toString() {
    return "%s (%s, %s, life %d, %s, status %d, %d of %d chunks, %s)"
        .formatted(
            model(),
            format,
            kind.name().toLowerCase(Locale.ROOT),
            life,
            requestId,
            status,
            chunksSeen.size(),
            chunks,
            whole ? "whole" : failure);
  }

  private static Kind kind(int percent) {
    if (percent < 35) {
      return Kind.WHOLE;
    }
    if (percent < 65) {
      return Kind.STREAM;
    }
    if (percent < 88) {
      return Kind.LONG_STREAM;
    }
    if (percent < 92) {
      return Kind.CLIENT_LEAVES;
    }
    return percent < 96 ? Kind.PROVIDER_FAILS : Kind.PROVIDER_BREAKS_OFF;
  }

  private String mishap(Random random) {
    return switch (kind) {
      case PROVIDER_FAILS -> " status=500";
      case PROVIDER_BREAKS_OFF -> " cut=" + random.nextInt(chunks);
      default -> "";
    };
  }
}
