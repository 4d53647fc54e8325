package dev.llmproxy.stream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Reads server-sent events from bytes, as <a
 * href="https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream">the
 * HTML standard</a> parses them: lines end in LF, CR or CRLF, a byte order mark at the start and
 * comments are skipped. Bytes are decoded a whole line at a time, because the network may cut a
 * character in two. Not thread-safe.
 */
public final class SseReader {
  private static final int BUFFER_BYTES = 2048;

  /** Room for a field's name in a line, whose value may have all of an event's bytes. */
  private static final int NAME_BYTES = 16;

  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final InputStream in;
  private final int mostEventBytes;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final ByteArrayOutputStream line = new ByteArrayOutputStream(512);
  private int position;
  private int limit;
  private boolean afterCarriageReturn;
  private boolean first = true;

  /**
   * @param in the body of an event stream
   * @param mostEventBytes an event that is longer ends the stream with an IOException
   */
  public SseReader(InputStream in, int mostEventBytes) {
    this.in = in;
    this.mostEventBytes = mostEventBytes;
  }

  /**
   * Waits for the next event that has data.
   *
   * @return null at the end of the stream; unlike the standard, which drops it, an event without
   *     the blank line that ends it is returned, because servers forget that line after the last
   *     event
   * @throws IOException when reading fails or an event is too long
   */
  public SseEvent next() throws IOException {
    String name = null;
    StringBuilder data = null;
    for (String text = nextLine(); text != null; text = nextLine()) {
      if (text.isEmpty()) {
        if (data != null) {
          return new SseEvent(name, data.toString());
        }
        name = null;
        continue;
      }
      int colon = text.indexOf(':');
      String field = colon < 0 ? text : text.substring(0, colon);
      String value =
          colon < 0 ? "" : text.substring(text.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
      if (field.equals("data")) {
        data = data == null ? new StringBuilder(value) : data.append('\n').append(value);
        checkLength(data.length());
      } else if (field.equals("event")) {
        name = value;
      }
    }
    return data == null ? null : new SseEvent(name, data.toString());
  }

  private String nextLine() throws IOException {
    while (fill()) {
      int start = position;
      while (position < limit) {
        byte b = buffer[position++];
        if (b == '\n' && afterCarriageReturn) {
          // The second half of CRLF.
          afterCarriageReturn = false;
          start = position;
        } else if (b == '\n' || b == '\r') {
          afterCarriageReturn = b == '\r';
          line.write(buffer, start, position - 1 - start);
          checkLength(line.size() - NAME_BYTES);
          return text();
        } else {
          afterCarriageReturn = false;
        }
      }
      line.write(buffer, start, position - start);
      checkLength(line.size() - NAME_BYTES);
    }
    return line.size() == 0 ? null : text();
  }

  private String text() {
    String text = line.toString(StandardCharsets.UTF_8);
    line.reset();
    if (first) {
      first = false;
      return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
    }
    return text;
  }

  private boolean fill() throws IOException {
    if (position == limit) {
      position = 0;
      limit = Math.max(0, in.read(buffer));
    }
    return limit > 0;
  }

  private void checkLength(int length) throws IOException {
    if (length > mostEventBytes) {
      throw new IOException("A server-sent event is longer than " + mostEventBytes + " bytes.");
    }
  }
}
