package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;

/**
 * Google's limit on calls: 60 reads and 60 writes a minute for each user. All callers of the
 * embedded workbook count as one user, like all users of one service account. A call that is
 * refused for another reason counts too.
 */
final class SheetsQuota {
  private static final int CALLS_PER_MINUTE = 60;
  private static final String SERVICE = "sheets.googleapis.com";

  /** A number that no Google project has. */
  private static final int PROJECT = 0;

  private final Bucket reads;
  private final Bucket writes;

  private SheetsQuota(Bucket reads, Bucket writes) {
    this.reads = reads;
    this.writes = writes;
  }

  /** No limit. */
  static SheetsQuota off() {
    return new SheetsQuota(null, null);
  }

  /** Google's limit, with minutes measured by the given clock. */
  static SheetsQuota google(TimeMeter clock) {
    return new SheetsQuota(bucket(clock), bucket(clock));
  }

  /**
   * Counts a call.
   *
   * @throws SheetsException 429 when the minute's calls are used up
   */
  void take(boolean reading) {
    Bucket bucket = reading ? reads : writes;
    if (bucket != null && !bucket.tryConsume(1)) {
      throw reading ? exceeded("Read", "read_requests") : exceeded("Write", "write_requests");
    }
  }

  private static Bucket bucket(TimeMeter clock) {
    // All calls are refilled at once. Google documents "refilled every minute", and this is strict.
    return Bucket.builder()
        .addLimit(limit ->
            limit
                .capacity(CALLS_PER_MINUTE)
                .refillIntervally(CALLS_PER_MINUTE, Duration.ofMinutes(1)))
        .withCustomTimePrecision(clock)
        .build();
  }

  private static SheetsException exceeded(String word, String metric) {
    ArrayNode details = Json.array();
    ObjectNode metadata =
        details
            .addObject()
            .put("@type", "type.googleapis.com/google.rpc.ErrorInfo")
            .put("reason", "RATE_LIMIT_EXCEEDED")
            .put("domain", "googleapis.com")
            .putObject("metadata");
    metadata
        .put("quota_location", "global")
        .put("quota_metric", SERVICE + "/" + metric)
        .put("quota_limit", word + "RequestsPerMinutePerUser")
        .put("quota_limit_value", Integer.toString(CALLS_PER_MINUTE))
        .put("consumer", "projects/" + PROJECT)
        .put("service", SERVICE);
    details
        .addObject()
        .put("@type", "type.googleapis.com/google.rpc.Help")
        .putArray("links")
        .addObject()
        .put("description", "Request a higher quota limit.")
        .put("url", "https://cloud.google.com/docs/quota#requesting_higher_quota");
    return SheetsException.exhausted(
        ("Quota exceeded for quota metric '%s requests' and limit '%s requests per minute per user'"
                + " of service '%s' for consumer 'project_number:%d'.")
            .formatted(word, word, SERVICE, PROJECT),
        details);
  }
}
