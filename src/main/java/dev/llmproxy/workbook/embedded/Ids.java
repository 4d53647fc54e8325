package dev.llmproxy.workbook.embedded;

import java.util.concurrent.ThreadLocalRandom;

/** Random ids for objects that clients created without an id. */
final class Ids {
  private Ids() {}

  /** A random number that fits the API's {@code int32} and is not negative. */
  static int random() {
    return ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE);
  }
}
