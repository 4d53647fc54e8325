package dev.llmproxy.media;

import dev.llmproxy.http.LiveBody;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;

/**
 * A provider's answer that is still arriving.
 *
 * @param body its bytes
 * @param contentType its Content-Type
 * @param length the number of its bytes; -1 when it is unknown
 */
public record MediaAnswer(InputStream body, String contentType, long length) implements Closeable {
  /** Whether it is a stream of server-sent events. */
  public boolean isStream() {
    return contentType.startsWith("text/event-stream");
  }

  /** Whether it is JSON. */
  public boolean isJson() {
    return contentType.startsWith("application/json");
  }

  /** Closes the connection, unless the whole answer has been read. */
  @Override
  public void close() throws IOException {
    LiveBody.abort(body);
  }
}
