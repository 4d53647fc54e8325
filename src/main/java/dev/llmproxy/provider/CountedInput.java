package dev.llmproxy.provider;

import dev.llmproxy.http.AnswerMemory;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** An input stream that charges the bytes read to the memory for answers. */
public final class CountedInput extends FilterInputStream {
  private final AnswerMemory.Share memory;
  private final int memoryOfByte;

  /**
   * @param memoryOfByte bytes of memory for each byte of the stream
   */
  public CountedInput(InputStream in, AnswerMemory.Share memory, int memoryOfByte) {
    super(in);
    this.memory = memory;
    this.memoryOfByte = memoryOfByte;
  }

  @Override
  public int read() throws IOException {
    int b = super.read();
    memory.pass(b < 0 ? 0 : memoryOfByte);
    return b;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    int read = super.read(target, offset, length);
    memory.pass((long) Math.max(0, read) * memoryOfByte);
    return read;
  }
}
