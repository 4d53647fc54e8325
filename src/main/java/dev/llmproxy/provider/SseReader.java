package dev.llmproxy.provider;

import dev.llmproxy.base.Json;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
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
  private static final int LINE_BYTES = 512;

  /** What one long line needed is given back after it. */
  private static final int MOST_KEPT_BYTES = 16 << 10;

  /** Room for a field's name in a line, whose value may have all of an event's bytes. */
  private static final int NAME_BYTES = 16;

  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final InputStream in;
  private final int mostEventBytes;
  private final LongLine longLine;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private ByteArrayOutputStream line = new ByteArrayOutputStream(LINE_BYTES);
  private int position;
  private int limit;
  private boolean afterCarriageReturn;
  private boolean first = true;
  private String unread;
  private String nameOfNext;

  /**
   * @param in the body of an event stream
   * @param mostEventBytes an event that is longer ends the stream with an {@link
   *     EventTooLongException}
   */
  public SseReader(InputStream in, int mostEventBytes) {
    this(in, mostEventBytes, bytes -> {});
  }

  /** As {@link #SseReader(InputStream, int)}; {@code longLine} is told of what is read ahead. */
  public SseReader(InputStream in, int mostEventBytes, LongLine longLine) {
    this.in = in;
    this.mostEventBytes = mostEventBytes;
    this.longLine = longLine;
  }

  /** Who counts the memory of lines that are long. */
  public interface LongLine {
    /** A line has become so many bytes longer; it may throw to end the stream. */
    void grows(int bytes);
  }

  /**
   * Waits for the first byte that is no white space and no byte order mark, and leaves it there.
   *
   * @return -1 when the stream ends before it
   */
  public int peek() throws IOException {
    while (fill()) {
      int b = buffer[position] & 0xFF;
      boolean mark = b == 0xEF || b == 0xBB || b == 0xBF;
      if (!mark && b != ' ' && b != '\t' && b != '\n' && b != '\r') {
        return b;
      }
      position++;
    }
    return -1;
  }

  /** All bytes from here on, for another reader; this one is not to be used any more. */
  public InputStream rest() {
    return new SequenceInputStream(
        new ByteArrayInputStream(buffer, position, limit - position), in);
  }

  /**
   * Waits for the next event that has data. Where servers forget the blank line between events,
   * each of which is one line of JSON or the word {@code [DONE]}, each line is an event.
   *
   * @return null at the end of the stream; unlike the standard, which drops it, an event without
   *     the blank line that ends it is returned, because servers forget that line after the last
   *     event
   * @throws EventTooLongException when an event has more bytes than it may
   * @throws IOException when reading fails
   */
  public SseEvent next() throws IOException {
    String name = nameOfNext;
    String later = name;
    nameOfNext = null;
    String data = null;
    StringBuilder more = null;
    for (String text = nextField(); text != null; text = nextField()) {
      if (text.isEmpty()) {
        if (data != null) {
          return new SseEvent(later, more == null ? data : more.toString());
        }
        later = null;
        continue;
      }
      int colon = text.indexOf(':');
      String field = colon < 0 ? text : text.substring(0, colon);
      String value =
          colon < 0 ? "" : text.substring(text.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
      if (field.equals("data")) {
        if (data == null) {
          checkLength(value.length());
          data = value;
          name = later;
        } else if (more == null && whole(data)) {
          unread = text;
          nameOfNext = name == null || !name.equals(later) ? later : null;
          return new SseEvent(name, data);
        } else {
          more = more == null ? new StringBuilder(data) : more;
          checkLength(more.append('\n').append(value).length());
          if (more.length() > MOST_KEPT_BYTES) {
            longLine.grows(value.length());
          }
        }
      } else if (field.equals("event")) {
        later = value;
      }
    }
    if (data == null) {
      return null;
    }
    return new SseEvent(later, more == null ? data : more.toString());
  }

  private String nextField() throws IOException {
    if (unread != null) {
      String text = unread;
      unread = null;
      return text;
    }
    return nextLine();
  }

  /** Whether a line of data is an event by itself. */
  private static boolean whole(String data) {
    if (data.equals("[DONE]")) {
      return true;
    }
    return data.startsWith("{") && data.endsWith("}") && Json.whole(data);
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
      if (line.size() > MOST_KEPT_BYTES) {
        longLine.grows(position - start);
      }
    }
    return line.size() == 0 ? null : text();
  }

  private String text() {
    String text = line.toString(StandardCharsets.UTF_8);
    if (line.size() > MOST_KEPT_BYTES) {
      line = new ByteArrayOutputStream(LINE_BYTES);
    } else {
      line.reset();
    }
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
      throw new EventTooLongException(mostEventBytes);
    }
  }
}
