package dev.llmproxy.provider;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** A stream of bytes that fails where it becomes longer than it may be. */
final class LimitedInput extends FilterInputStream {
  private long left;

  /** The stream is too long. */
  static final class TooLongException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  /**
   * @param most bytes that may come
   */
  LimitedInput(InputStream in, long most) {
    super(in);
    left = most;
  }

  @Override
  public int read() throws IOException {
    int b = super.read();
    count(b < 0 ? 0 : 1);
    return b;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    int read = super.read(target, offset, length);
    count(Math.max(0, read));
    return read;
  }

  private void count(int bytes) throws IOException {
    left -= bytes;
    if (left < 0) {
      throw new TooLongException();
    }
  }
}
