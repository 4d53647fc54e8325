package dev.llmproxy.provider;

import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.stream.ClientGoneException;
import dev.llmproxy.stream.SseEvent;
import dev.llmproxy.stream.SseReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.NoSuchElementException;
import java.util.Queue;
import org.apache.hc.core5.http.io.EofSensorInputStream;

/**
 * Chat events from a provider's live event stream. Used by one thread; {@link #close} may be called
 * by any.
 */
final class OpenAiChatEvents implements ChatEvents {
  private static final int MOST_EVENT_BYTES = 16 << 20;
  private static final int MOST_LEFT_BYTES = 16 << 10;

  private final InputStream body;
  private final SseReader reader;
  private final OpenAiStreamTranslator translator;
  private final Queue<ChatEvent> ready = new ArrayDeque<>();
  private volatile boolean over;

  OpenAiChatEvents(InputStream body, OpenAiStreamTranslator translator) {
    this.body = body;
    this.reader = new SseReader(body, MOST_EVENT_BYTES);
    this.translator = translator;
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && !over) {
      read();
    }
    return !ready.isEmpty();
  }

  @Override
  public ChatEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  private void read() {
    try {
      SseEvent event = reader.next();
      ready.addAll(event == null ? translator.end() : translator.translate(event));
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        // The interrupt, which closed the connection, says that the client has left.
        over = true;
        throw new ClientGoneException();
      }
      ready.add(translator.broken(e));
    }
    if (translator.over()) {
      over = true;
    }
  }

  /**
   * Hangs up on a provider that has not finished: closing its stream would read on to its last
   * token. After a whole answer what is left is read, a few bytes, so that the connection can be
   * used again.
   */
  @Override
  public void close() {
    boolean whole = over && translator.whole();
    over = true;
    try {
      if (!whole || body.readNBytes(MOST_LEFT_BYTES).length == MOST_LEFT_BYTES) {
        abort();
      }
    } catch (IOException e) {
      // The connection is of no use any more, and its pool knows.
    }
  }

  private void abort() throws IOException {
    if (body instanceof EofSensorInputStream live) {
      live.abort();
    }
  }
}
