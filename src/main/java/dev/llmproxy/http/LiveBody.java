package dev.llmproxy.http;

import java.io.IOException;
import org.apache.hc.core5.http.io.EofSensorInputStream;

/** The body of another server's answer that is still arriving. */
public final class LiveBody {
  private LiveBody() {}

  /**
   * Closes the connection of a body that is not complete. Closing the stream itself would read it
   * to its end.
   *
   * @param body body of a message; null and other classes are ignored
   * @throws IOException when closing the connection failed; it is not used again
   */
  public static void abort(Object body) throws IOException {
    if (body instanceof EofSensorInputStream live) {
      live.abort();
    }
  }
}
