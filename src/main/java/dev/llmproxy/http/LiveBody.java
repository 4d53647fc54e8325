package dev.llmproxy.http;

import java.io.IOException;
import org.apache.hc.core5.http.io.EofSensorInputStream;

/** The body of another server's answer that is still coming. */
public final class LiveBody {
  private LiveBody() {}

  /**
   * Closes the connection that a body comes on, unless the body is over. To close the stream itself
   * would read on to its end.
   *
   * @param body of a message; anything else, and null, is left alone
   * @throws IOException when the connection cannot be closed in order; it is of no use any more
   */
  public static void abort(Object body) throws IOException {
    if (body instanceof EofSensorInputStream live) {
      live.abort();
    }
  }
}
