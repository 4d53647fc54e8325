package dev.llmproxy.provider;

import java.io.IOException;
import java.io.InputStream;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.MalformedChunkCodingException;
import org.apache.hc.core5.http.StreamClosedException;
import org.apache.hc.core5.http.TruncatedChunkException;
import org.apache.hc.core5.http.io.SessionInputBuffer;

/**
 * The body of a response in <a
 * href="https://www.rfc-editor.org/rfc/rfc9112.html#name-chunked-transfer-coding">chunked transfer
 * coding</a>. One {@code read} returns the data of all chunks that one network read has brought.
 * The HTTP client's own stream returns one chunk at a time, and cannot tell whether the next one is
 * complete. The bytes are decoded in the target of the read, so this stream has no buffer. Lines
 * may end with LF alone. Bytes after the end that arrived with it are dropped. Not thread-safe.
 */
final class ChunkedBody extends InputStream {
  private static final int SKIPPED_AT_ONCE = 4096;

  /** The most hexadecimal digits of a chunk's size, so that it fits a long. */
  private static final int MOST_DIGITS = 15;

  /** The most bytes of all extensions of a chunk, and of the fields after the last chunk. */
  private static final int MOST_IGNORED_BYTES = 16 << 10;

  private enum State {
    SIZE,
    EXTENSION,
    DATA,
    END_OF_DATA,
    FIELDS,
    END
  }

  private final SessionInputBuffer connection;
  private final InputStream in;
  private State state = State.SIZE;
  private long left;
  private int digits;
  private int ignored;
  private boolean emptyLine;
  private boolean closed;

  /**
   * @param connection the connection's buffer, which may hold the beginning of the body
   * @param in the connection
   */
  ChunkedBody(SessionInputBuffer connection, InputStream in) {
    this.connection = connection;
    this.in = in;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  /**
   * Waits for data. Does not wait for more when some has arrived.
   *
   * @throws IOException when the coding is broken, or the connection ends before the body
   */
  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (closed) {
      throw new StreamClosedException();
    }
    if (length == 0) {
      return 0;
    }
    int read = 0;
    while (read == 0 && state != State.END) {
      int received = connection.read(target, offset, length, in);
      if (received < 0) {
        throw ended();
      }
      read = decode(target, offset, received);
    }
    return read == 0 ? -1 : read;
  }

  /** 1 when a read would not wait, even if it returns the end of the body; otherwise 0. */
  @Override
  public int available() throws IOException {
    while (state != State.DATA && state != State.END && hasArrived()) {
      frame((byte) connection.read(in));
    }
    return state == State.END || hasArrived() ? 1 : 0;
  }

  private boolean hasArrived() throws IOException {
    return connection.length() > 0 || in.available() > 0;
  }

  /** Reads the body to its end, so that the connection can be used again. */
  @Override
  public void close() throws IOException {
    try {
      if (!closed && state != State.END) {
        skip();
      }
    } finally {
      closed = true;
    }
  }

  private void skip() throws IOException {
    byte[] rest = new byte[SKIPPED_AT_ONCE];
    while (read(rest) >= 0) {
      // The data is not needed.
    }
  }

  private IOException ended() {
    return state == State.DATA
        ? new TruncatedChunkException("The connection ended %d bytes before its chunk", left)
        : new ConnectionClosedException("The connection ended before the last chunk");
  }

  /** Moves the data to the start of the received bytes; returns its length. */
  private int decode(byte[] bytes, int offset, int received) throws IOException {
    int limit = offset + received;
    int position = offset;
    int end = offset;
    while (position < limit && state != State.END) {
      if (state == State.DATA) {
        int length = (int) Math.min(left, limit - position);
        System.arraycopy(bytes, position, bytes, end, length);
        position += length;
        end += length;
        left -= length;
        if (left == 0) {
          state = State.END_OF_DATA;
        }
      } else {
        frame(bytes[position++]);
      }
    }
    return end - offset;
  }

  private void frame(byte b) throws IOException {
    switch (state) {
      case SIZE -> size(b);
      case EXTENSION -> {
        if (b == '\n') {
          endOfSize();
        } else {
          ignore();
        }
      }
      case END_OF_DATA -> {
        if (b == '\n') {
          state = State.SIZE;
          digits = 0;
          ignored = 0;
        } else if (b != '\r') {
          throw new MalformedChunkCodingException("A chunk is longer than its size");
        }
      }
      case FIELDS -> {
        if (b == '\n' && emptyLine) {
          state = State.END;
        } else if (b != '\r') {
          emptyLine = b == '\n';
          ignore();
        }
      }
      case DATA, END -> throw new IllegalStateException();
    }
  }

  private void size(byte b) throws IOException {
    int digit = Character.digit(b, 16);
    if (digit >= 0 && digits < MOST_DIGITS) {
      left = (digits == 0 ? 0 : left * 16) + digit;
      digits++;
    } else if (digits == 0 || digit >= 0) {
      throw new MalformedChunkCodingException("A chunk has no valid size");
    } else if (b == '\n') {
      endOfSize();
    } else if (b == '\r' || b == ';' || b == ' ' || b == '\t') {
      state = State.EXTENSION;
    } else {
      throw new MalformedChunkCodingException("A chunk has no valid size");
    }
  }

  private void endOfSize() {
    state = left == 0 ? State.FIELDS : State.DATA;
    emptyLine = true;
  }

  private void ignore() throws IOException {
    ignored++;
    if (ignored > MOST_IGNORED_BYTES) {
      throw new MalformedChunkCodingException("A chunk has too many extensions or fields");
    }
  }
}
