package dev.llmproxy.crash;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** The plan of kills and outages, generated from one seed. */
final class Plan {
  private static final int ONE_START_WITHOUT_WORKBOOK_IN = 6;
  private static final int LONGEST_OUTAGE_MILLIS = 4000;
  private static final Map<Moment, Integer> SHARES = new EnumMap<>(Moment.class);

  static {
    SHARES.put(Moment.STARTING, 3);
    SHARES.put(Moment.OPENING_THE_LEDGER, 3);
    SHARES.put(Moment.RUNNING, 4);
    SHARES.put(Moment.BEFORE_A_FIRST_BYTE, 2);
    SHARES.put(Moment.WITHIN_A_STREAM, 3);
    SHARES.put(Moment.AFTER_AN_END, 2);
    SHARES.put(Moment.COMMIT_ARRIVED, 2);
    SHARES.put(Moment.COMMIT_APPLIED, 1);
  }

  private Plan() {}

  /**
   * The time from one start to the kill.
   *
   * @param moment when the gateway is killed
   * @param delay how long after the moment, as a share (0 to 1) of the moment's longest delay
   * @param outage how long the workbook, down at the start, stays down after the first answer; zero
   *     when it is up
   */
  record Life(Moment moment, double delay, Duration outage) {}

  /** Lives that all end with a kill. All moments occur equally often, in random order. */
  static List<Life> lives(long seed, int kills) {
    Random random = new Random(seed);
    List<Life> lives = new ArrayList<>();
    List<Moment> deck = new ArrayList<>();
    while (lives.size() < kills) {
      if (deck.isEmpty()) {
        SHARES.forEach((moment, share) -> deck.addAll(Collections.nCopies(share, moment)));
        Collections.shuffle(deck, random);
      }
      boolean outage = random.nextInt(ONE_START_WITHOUT_WORKBOOK_IN) == 0;
      lives.add(
          new Life(
              deck.removeLast(),
              random.nextDouble(),
              Duration.ofMillis(outage ? 1 + random.nextInt(LONGEST_OUTAGE_MILLIS) : 0)));
    }
    return lives;
  }
}
