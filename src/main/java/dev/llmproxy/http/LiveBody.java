package dev.llmproxy.http;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import org.apache.camel.Exchange;
import org.apache.camel.component.http.HttpProducer;
import org.apache.camel.spi.UnitOfWork;
import org.apache.camel.support.DefaultExchange;
import org.apache.hc.core5.http.io.EofSensorInputStream;

/** The body of another server's answer that is still arriving. */
public final class LiveBody {
  private static final int MOST_LEFT_BYTES = 16 << 10;

  /** An answer without errors has no bytes left. */
  private static final int LEFT_BYTES = 256;

  private static final Duration PATIENCE = Duration.ofMillis(200);

  private LiveBody() {}

  /**
   * Takes the message's body from Camel, which would close it at the end of the exchange: on the
   * event loop, by reading it to its end. The caller then ends it, with {@link #finish} or {@link
   * #abort}.
   */
  public static void own(Exchange exchange) {
    UnitOfWork unit = exchange.getUnitOfWork();
    if (unit != null) {
      unit.handoverSynchronization(
          new DefaultExchange(exchange.getContext()),
          closing -> closing.getClass().getNestHost() == HttpProducer.class);
    }
  }

  /**
   * Reads the few bytes that follow a complete answer, so that the connection can be used again. If
   * they have not arrived, a thread of its own waits for them. Aborts the body when they do not end
   * within 200 ms or 16 KB. Nothing else may read the body then.
   */
  public static void finish(InputStream body) {
    try {
      // Most often only the end of the body is left, and has arrived. A decompressing stream says
      // so
      // of any open body.
      if (body instanceof EofSensorInputStream
          && body.available() > 0
          && body.read(new byte[LEFT_BYTES]) < 0) {
        return;
      }
    } catch (IOException e) {
      // The connection is broken; the pool removes it.
      return;
    }
    Thread reading = Thread.startVirtualThread(() -> readRest(body));
    CoarseTimer.after(PATIENCE, reading::interrupt);
  }

  private static void readRest(InputStream body) {
    try {
      byte[] part = new byte[LEFT_BYTES];
      int left = MOST_LEFT_BYTES;
      while (left > 0) {
        int read = body.read(part);
        if (read < 0) {
          return;
        }
        left -= read;
      }
      abort(body);
    } catch (IOException e) {
      // The connection is broken or the interrupt has closed it; the pool removes it.
    }
  }

  /**
   * Closes the connection of a body that is not complete. Closing the stream itself would read it
   * to its end.
   *
   * @param body body of a message; null and other classes are ignored
   * @throws IOException when closing the connection failed; it is not used again
   */
  public static void abort(Object body) throws IOException {
    if (body instanceof EofSensorInputStream live) {
      live.abort();
    }
  }
}
