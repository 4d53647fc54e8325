package dev.llmproxy.provider;

import dev.llmproxy.call.RequestContext;
import java.util.Collection;

/** Tells the client which fields of its request the provider does not get. */
public final class DroppedFields {
  private static final String HEADER = "x-llmproxy-dropped";

  private DroppedFields() {}

  /**
   * Names fields in the header {@code x-llmproxy-dropped}, unless the answer has begun.
   *
   * @param fields the fields' paths; nothing is said when there are none
   */
  public static void name(RequestContext context, Collection<String> fields) {
    if (!fields.isEmpty() && context.reply() != null && !context.reply().begun()) {
      context.reply().header(HEADER, String.join(", ", fields));
    }
  }
}
