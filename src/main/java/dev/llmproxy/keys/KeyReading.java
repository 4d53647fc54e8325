package dev.llmproxy.keys;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The accepted keys after a reading of the sheet, given the keys before it. When the sheet has lost
 * most of its keys at once, somebody has probably emptied it by mistake. The lost keys are then
 * held: they stay valid until they are back in the sheet or somebody confirms the loss.
 *
 * @param table the sheet's content
 * @param records the accepted keys: the sheet's in its order, then held ones that it does not have
 * @param held the hashes of the held keys
 * @param heldSince since when keys are held or keep values of a lost column; null when none do
 * @param released the number of keys whose loss was confirmed by this reading; -1 without a
 *     confirmation
 */
record KeyReading(
    KeyTable table,
    Map<String, KeyRecord> records,
    Set<String> held,
    Instant heldSince,
    int released) {
  // Deleting most of fewer keys at once is normal use.
  private static final int FEW = 3;

  /**
   * Evaluates a reading.
   *
   * @param values as {@link KeyTable#read} takes them
   * @param earlier the keys before this reading; null for none
   * @param revokedHere the hashes of keys that were revoked on this machine
   * @param confirmed whether somebody has confirmed the loss with {@code confirm-keys}
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing
   */
  static KeyReading evaluate(
      List<List<Object>> values,
      KeySnapshot.Content earlier,
      Set<String> revokedHere,
      boolean confirmed,
      Predicate<String> tierHasLimit,
      Instant now) {
    Map<String, KeyRecord> before = earlier == null ? Map.of() : earlier.records();
    Set<String> held = new HashSet<>(earlier == null ? Set.of() : earlier.held());
    Instant since = earlier == null ? null : earlier.heldSince();
    KeyTable table = KeyTable.read(values, before, tierHasLimit);
    int released = -1;
    if (since != null && (confirmed || confirmedInSheet(table, since))) {
      released = (int) held.stream().filter(table::lost).count();
      Map<String, KeyRecord> rest = new LinkedHashMap<>(before);
      rest.keySet().removeAll(held);
      before = rest;
      held.clear();
      since = null;
      table = KeyTable.read(values, Map.of(), tierHasLimit);
    }
    held.removeIf(table::found);
    held.addAll(lost(table, before, held, revokedHere, now));
    Map<String, KeyRecord> kept = new LinkedHashMap<>();
    for (String hash : before.keySet()) {
      if (held.contains(hash)) {
        kept.put(hash, table.heldRecord(before.get(hash)));
      }
    }
    boolean holding = !held.isEmpty() || table.holding();
    return new KeyReading(
        table,
        table.withHeld(kept),
        Set.copyOf(held),
        !holding ? null : since == null ? now : since,
        released);
  }

  /** The problems for the administrator; those of the whole sheet come first. */
  List<KeyProblem> problems(Set<String> revokedHere) {
    List<KeyProblem> problems = new ArrayList<>();
    if (!held.isEmpty()) {
      problems.add(
          new KeyProblem(
              0,
              "has lost %s at once; the server still accepts %s until somebody confirms the loss"
                  .formatted(
                      held.size() == 1 ? "a key" : held.size() + " keys",
                      held.size() == 1 ? "it" : "them"),
              "Put the rows back, or confirm the loss: " + KeyStatus.HOW_TO_CONFIRM));
    }
    problems.addAll(table.problemsWith(revokedHere));
    return List.copyOf(problems);
  }

  private static boolean confirmedInSheet(KeyTable table, Instant since) {
    return table.confirmations().stream().anyMatch(text -> KeyStatus.confirms(text, since));
  }

  /** The usable keys that the sheet has just lost; empty when so few may be deleted on purpose. */
  private static Set<String> lost(
      KeyTable table,
      Map<String, KeyRecord> before,
      Set<String> held,
      Set<String> revokedHere,
      Instant now) {
    Set<String> lost = new HashSet<>();
    int usable = 0;
    for (Map.Entry<String, KeyRecord> key : before.entrySet()) {
      String hash = key.getKey();
      if (!held.contains(hash) && !revokedHere.contains(hash) && key.getValue().validAt(now)) {
        usable++;
        if (table.lost(hash)) {
          lost.add(hash);
        }
      }
    }
    boolean all =
        lost.size() == usable && before.keySet().stream().noneMatch(table.rows()::containsKey);
    boolean most = usable >= FEW && 2 * lost.size() > usable;
    return all || most ? lost : Set.of();
  }
}
