package dev.llmproxy.http;

import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The body of a request while it arrives. The client is read only a few pieces ahead of the reader,
 * so that a body of any size takes little memory. The connection's event loop adds the pieces, one
 * thread reads.
 */
final class UploadInput extends InputStream {
  /** Pieces that arrive before the reader takes them. */
  private static final int AHEAD = 8;

  private static final Object END = new Object();
  private static final int MEGABYTE = 1 << 20;

  private final HttpServerRequest request;
  private final long most;
  private final Duration patience;

  /** Pieces as byte arrays; then the end, or the exception for the reader. */
  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();

  private byte[] piece = {};
  private int at;
  private long received;
  private boolean over;

  /**
   * @param request is paused
   * @param most the most bytes
   * @param patience how long the client may send nothing
   */
  UploadInput(HttpServerRequest request, long most, Duration patience) {
    this.request = request;
    this.most = most;
    this.patience = patience;
  }

  /** Begins to read the client. */
  void start() {
    request.handler(this::add);
    request.endHandler(end -> end());
    request.fetch(AHEAD);
  }

  /** The body has no further pieces. */
  void end() {
    arrived.add(END);
  }

  /** The client has left. */
  void broken() {
    arrived.add(new ClientGoneException());
  }

  private void add(Buffer buffer) {
    received += buffer.length();
    arrived.add(
        received > most
            ? OpenAiErrors.uploadTooLarge(most / MEGABYTE).asException()
            : buffer.getBytes());
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  /**
   * Waits for the next piece.
   *
   * @throws ApiException 413 when the body is over the limit, 408 when the client sends nothing
   * @throws ClientGoneException when the client has left
   */
  @Override
  public int read(byte[] target, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    while (at == piece.length && !over) {
      next();
    }
    if (over) {
      return -1;
    }
    int read = Math.min(length, piece.length - at);
    System.arraycopy(piece, at, target, offset, read);
    at += read;
    return read;
  }

  private void next() {
    Object next;
    try {
      next = arrived.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ClientGoneException();
    }
    switch (next) {
      case null -> throw OpenAiErrors.bodyTooSlow().asException();
      case byte[] bytes -> {
        piece = bytes;
        at = 0;
        request.fetch(1);
      }
      case RuntimeException failure -> {
        // A second read fails, too.
        arrived.add(failure);
        throw failure;
      }
      default -> over = true;
    }
  }
}
