package dev.llmproxy.base;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** The causes of an exception. */
public final class Causes {
  /** Causes can form a circle. */
  private static final int LONGEST_CHAIN = 100;

  private Causes() {}

  /** The exception, its cause, the cause of that, and so on. */
  public static List<Throwable> of(Throwable failure) {
    return Stream.iterate(failure, Objects::nonNull, Throwable::getCause)
        .limit(LONGEST_CHAIN)
        .toList();
  }

  /** The exception or the first of its causes that has the type. */
  public static <T extends Throwable> Optional<T> find(Throwable failure, Class<T> type) {
    return of(failure).stream().filter(type::isInstance).map(type::cast).findFirst();
  }

  /** The last cause, or the exception itself when it has none. */
  public static Throwable root(Throwable failure) {
    return of(failure).getLast();
  }
}
