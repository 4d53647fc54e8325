package dev.llmproxy.provider;

import dev.llmproxy.error.UpstreamLimitException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.Supplier;

/** An input stream that fails when it is longer than a limit. */
public final class LimitedInput extends FilterInputStream {
  private final Supplier<UpstreamLimitException> tooLong;
  private long left;

  /**
   * @param most the most bytes
   * @param tooLong creates the exception for a longer stream
   */
  public LimitedInput(InputStream in, long most, Supplier<UpstreamLimitException> tooLong) {
    super(in);
    this.tooLong = tooLong;
    left = most;
  }

  /** The body of an answer, limited to {@code mostBytes}. */
  public static LimitedInput answer(InputStream body, long mostBytes) {
    return new LimitedInput(body, mostBytes, () -> UpstreamLimitException.answer(mostBytes));
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
      throw tooLong.get();
    }
  }
}
