package dev.llmproxy.ledger;

import dev.llmproxy.call.Status;
import java.time.LocalDate;

/**
 * Which requests a statistic is about.
 *
 * @param from the first UTC day of admission
 * @param to the last UTC day of admission
 * @param email of a person, in any spelling; null for everybody
 * @param keyHash lower-case hex SHA-256 of a key; empty for requests without a key; null for all
 * @param model the model id; null for all
 * @param status the outcome; null for all
 */
public record UsageFilter(
    LocalDate from, LocalDate to, String email, String keyHash, String model, Status status) {
  /** All requests of these days. */
  public static UsageFilter of(LocalDate from, LocalDate to) {
    return new UsageFilter(from, to, null, null, null, null);
  }

  /** These requests, if they are of a person. */
  public UsageFilter ofPerson(String email) {
    return new UsageFilter(from, to, email, keyHash, model, status);
  }

  boolean isOfOwners() {
    return email != null || keyHash != null;
  }
}
