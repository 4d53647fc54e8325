package dev.llmproxy.provider;

import dev.llmproxy.base.Json;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;

/**
 * Reads server-sent events from bytes, as <a
 * href="https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream">the
 * HTML standard</a> describes it: lines end in LF, CR or CRLF; a byte order mark at the start and
 * comments are skipped. Bytes are decoded line by line, because a character may be split between
 * two reads. Not thread-safe.
 */
public final class SseReader {
  private static final int BUFFER_BYTES = 4096;
  private static final int LINE_BYTES = 512;

  private static final byte[] DATA = "data:".getBytes(StandardCharsets.US_ASCII);

  /** A larger line buffer is released after its line. */
  private static final int MOST_KEPT_BYTES = 16 << 10;

  /** Bytes for the field's name in a line; the limit of an event applies to the value. */
  private static final int NAME_BYTES = 16;

  private static final int MOST_STRAY_CHARACTERS = 16 << 10;

  /** The fields without meaning here; an empty one is a comment. */
  private static final Set<String> FIELDS = Set.of("", "id", "retry");

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
  private StringBuilder stray;

  /**
   * @param in the body of an event stream
   * @param mostEventBytes the most bytes of an event; a longer event causes an {@link
   *     EventTooLongException}
   */
  public SseReader(InputStream in, int mostEventBytes) {
    this(in, mostEventBytes, bytes -> {});
  }

  /**
   * As {@link #SseReader(InputStream, int)}. {@code longLine} is called while a long line is read.
   */
  public SseReader(InputStream in, int mostEventBytes, LongLine longLine) {
    this.in = in;
    this.mostEventBytes = mostEventBytes;
    this.longLine = longLine;
  }

  /** Receives the growth of long lines, to count their memory. */
  public interface LongLine {
    /** The line has grown by this number of bytes. May throw to end the stream. */
    void grows(int bytes);
  }

  /**
   * Waits for the first byte that is not white space or a byte order mark, and returns it without
   * consuming it.
   *
   * @return -1 when the stream ends first
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

  /** The remaining bytes, for another reader. Do not use this reader afterwards. */
  public InputStream rest() {
    return new SequenceInputStream(
        new ByteArrayInputStream(buffer, position, limit - position), in);
  }

  /**
   * Waits for the next event that has data. Some servers omit the blank line between events. So a
   * data line that is a whole JSON object or {@code [DONE]} is an event when another data line
   * follows.
   *
   * @return null at the end of the stream. An event without a blank line at the end of the stream
   *     is also returned, because some servers omit that line. The standard drops such an event
   * @throws EventTooLongException when an event is over the limit
   * @throws IOException when reading fails
   */
  public SseEvent next() throws IOException {
    SseEvent arrived = poll();
    if (arrived == null && position == limit && betweenEvents() && fill()) {
      arrived = poll();
    }
    if (arrived != null) {
      return arrived;
    }
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
      } else if (!FIELDS.contains(field)) {
        addStray(text);
      }
    }
    if (data == null) {
      return null;
    }
    return new SseEvent(later, more == null ? data : more.toString());
  }

  /**
   * The lines so far that are no part of an event stream, joined by line feeds; empty when there
   * are none. Google ends a stream that fails with such a text.
   */
  public String stray() {
    return stray == null ? "" : stray.toString();
  }

  private void addStray(String text) {
    stray = stray == null ? new StringBuilder() : stray;
    if (stray.length() + text.length() < MOST_STRAY_CHARACTERS) {
      stray.append(text).append('\n');
    }
  }

  /**
   * The next event if all of it has arrived and it is one line of data, as most are. Never waits.
   *
   * @return null when the next event has another form, or has not arrived as a whole
   */
  public SseEvent poll() {
    if (!betweenEvents()) {
      return null;
    }
    int start = position;
    if (afterCarriageReturn && start < limit && buffer[start] == '\n') {
      start++;
    }
    int length = DATA.length;
    if (!Arrays.equals(buffer, start, Math.min(start + length, limit), DATA, 0, length)) {
      return null;
    }
    int end = start + length;
    while (end < limit && buffer[end] != '\n' && buffer[end] != '\r') {
      end++;
    }
    int newLine = afterLineEnd(end);
    int next = newLine == end ? end : afterLineEnd(newLine);
    if (next == newLine || end - start > mostEventBytes) {
      return null;
    }
    position = next;
    afterCarriageReturn = false;
    first = false;
    int value = start + length + (end > start + length && buffer[start + length] == ' ' ? 1 : 0);
    return new SseEvent(null, new String(buffer, value, end - value, StandardCharsets.UTF_8));
  }

  private boolean betweenEvents() {
    return unread == null && nameOfNext == null && line.size() == 0;
  }

  /** The position after LF or CRLF; the same position when neither has arrived there. */
  private int afterLineEnd(int at) {
    int lineFeed = at < limit && buffer[at] == '\r' ? at + 1 : at;
    return lineFeed < limit && buffer[lineFeed] == '\n' ? lineFeed + 1 : at;
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
