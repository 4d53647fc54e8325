package dev.llmproxy.workbook.embedded;

import com.sun.net.httpserver.HttpExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * The body of a successful answer. The first bytes are buffered, so that a failure can still become
 * an error answer and a short answer has a Content-Length. A long answer is sent in chunks.
 */
final class AnswerStream extends OutputStream {
  private static final int BUFFER_BYTES = 32 * 1024;

  private final HttpExchange exchange;
  private final ByteArrayOutputStream buffer = new ByteArrayOutputStream(1024);
  private OutputStream out;

  AnswerStream(HttpExchange exchange) {
    this.exchange = exchange;
  }

  /** Whether the answer has begun, so that no other answer can be sent. */
  boolean begun() {
    return out != null;
  }

  @Override
  public void write(int oneByte) throws IOException {
    write(new byte[] {(byte) oneByte}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (out == null && buffer.size() + length > BUFFER_BYTES) {
      exchange.sendResponseHeaders(200, 0); // 0 means "in chunks"
      out = exchange.getResponseBody();
      buffer.writeTo(out);
    }
    if (out == null) {
      buffer.write(bytes, offset, length);
    } else {
      out.write(bytes, offset, length);
    }
  }

  @Override
  public void close() throws IOException {
    if (out == null) {
      exchange.sendResponseHeaders(200, buffer.size());
      out = exchange.getResponseBody();
      buffer.writeTo(out);
    }
    out.close();
  }
}
