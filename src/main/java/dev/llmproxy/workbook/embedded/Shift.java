package dev.llmproxy.workbook.embedded;

import java.util.Optional;
import java.util.stream.IntStream;

/** The new positions of rows or columns after an insertion, a deletion or a move. */
@FunctionalInterface
interface Shift {
  /** The new position of a stretch; empty when nothing is left of it. An open end stays open. */
  Optional<Stretch> of(Stretch before);

  /**
   * Neighbouring rows or columns.
   *
   * @param start the first index, from 0
   * @param end the index after the last; {@link GridRange#OPEN} when there is no end
   */
  record Stretch(int start, int end) {
    int length() {
      return end - start;
    }

    private static Optional<Stretch> ofNonEmpty(int start, int end) {
      return start < end ? Optional.of(new Stretch(start, end)) : Optional.empty();
    }
  }

  /** An insertion: a stretch that begins there or later moves; one that spans it grows. */
  static Shift insert(int at, int length) {
    return before ->
        Stretch.ofNonEmpty(
            before.start() >= at ? before.start() + length : before.start(),
            before.end() > at && before.end() != GridRange.OPEN
                ? before.end() + length
                : before.end());
  }

  /** A deletion: a stretch that overlaps it shrinks; one inside it disappears. */
  static Shift delete(int start, int end) {
    return before -> {
      boolean gone = before.start() >= start && before.end() <= end;
      return gone
          ? Optional.empty()
          : Stretch.ofNonEmpty(
              afterDelete(before.start(), start, end),
              before.end() == GridRange.OPEN
                  ? GridRange.OPEN
                  : afterDelete(before.end(), start, end));
    };
  }

  private static int afterDelete(int index, int start, int end) {
    return index <= start ? index : Math.max(start, index - (end - start));
  }

  /**
   * A move to before a destination. A stretch that would be split, and an open one, stays where it
   * is.
   */
  static Shift move(int start, int end, int destination) {
    return before -> {
      if (before.end() == GridRange.OPEN) {
        return Optional.of(before);
      }
      // Between these edges all indexes move alike, so moving the edges moves the stretch.
      int[] images =
          IntStream.of(before.start(), start, end, destination, before.end())
              .flatMap(edge -> IntStream.of(edge - 1, edge))
              .filter(index -> index >= before.start() && index < before.end())
              .map(index -> afterMove(index, start, end, destination))
              .sorted()
              .toArray();
      Stretch after = new Stretch(images[0], images[images.length - 1] + 1);
      return Optional.of(after.length() == before.length() ? after : before);
    };
  }

  /** The index of one row or column after such a move. */
  static int afterMove(int index, int start, int end, int destination) {
    if (index >= start && index < end) {
      return index - start + (destination > start ? destination - (end - start) : destination);
    }
    if (index >= end && index < destination) {
      return index - (end - start);
    }
    return index >= destination && index < start ? index + (end - start) : index;
  }
}
