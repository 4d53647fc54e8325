package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.UpstreamLimitException;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.http.LiveBody;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The chat events of a provider's live answer: of an event stream, or of one or several JSON
 * values. Used by one thread; any thread may call {@link #close}.
 */
public final class ProviderEvents implements ChatEvents {
  /** Bytes of memory for each byte of an event: its line, its text, and the output made from it. */
  private static final long MEMORY_OF_BYTE = 3;

  private final InputStream body;
  private final long mostBytes;
  private final AnswerMemory.Share memory;
  private final String contentType;
  private final SseReader reader;
  private final StreamTranslator translator;
  private final Queue<ChatEvent> ready = new ArrayDeque<>();
  private boolean begun;
  private boolean heard;

  /** Null unless the answer is JSON. */
  private ProviderJson.Values values;

  private volatile boolean over;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @param contentType the answer's Content-Type, or null
   * @param mostBytes the most bytes of the answer, at most 1 GB
   * @param memory the account that long pieces of the answer are charged to
   */
  public ProviderEvents(
      InputStream body,
      String contentType,
      StreamTranslator translator,
      long mostBytes,
      AnswerMemory.Share memory) {
    this.body = body;
    this.mostBytes = mostBytes;
    this.contentType = contentType == null ? "" : contentType.strip();
    this.memory = memory;
    this.reader =
        new SseReader(
            LimitedInput.answer(body, mostBytes),
            Math.toIntExact(mostBytes),
            bytes -> memory.pass(bytes * MEMORY_OF_BYTE));
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

  @Override
  public ChatEvent poll() {
    while (ready.isEmpty() && !over && begun && values == null) {
      SseEvent event = reader.poll();
      if (event == null) {
        return null;
      }
      take(event);
    }
    return ready.poll();
  }

  private void take(SseEvent event) {
    heard = true;
    ready.addAll(translator.translate(event));
    over |= translator.over();
  }

  private void read() {
    try {
      if (!begun) {
        begun = true;
        begin();
      } else if (values == null) {
        readEvent();
      } else {
        readValue();
      }
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        // The interrupt closed the connection, because the client has left.
        over = true;
        throw new ClientGoneException();
      }
      ready.addAll(broken(e));
    }
    if (translator.over()) {
      over = true;
    }
  }

  /** Detects the format by the first byte, because the Content-Type is often wrong. */
  private void begin() throws IOException {
    int first = reader.peek();
    if (first == '{' || first == '[') {
      values = ProviderJson.values(reader.rest(), memory);
    } else if (first == '<' || contentType.startsWith("text/html")) {
      ready.addAll(translator.noStream(contentType.isEmpty() ? "markup" : contentType));
    }
  }

  private void readEvent() throws IOException {
    memory.passed();
    SseEvent event = reader.next();
    if (event != null) {
      take(event);
    } else if (isJson(reader.stray())) {
      ready.addAll(translator.translate(new SseEvent("error", reader.stray())));
      ready.addAll(translator.end());
    } else if (heard || contentType.isEmpty() || contentType.startsWith("text/event-stream")) {
      ready.addAll(translator.end());
    } else {
      ready.addAll(translator.noStream(contentType));
    }
  }

  private static boolean isJson(String stray) {
    return stray.startsWith("{") || stray.startsWith("[");
  }

  private void readValue() throws IOException {
    JsonNode value;
    try {
      memory.passed();
      value = values.next();
    } catch (JsonProcessingException e) {
      // Some providers send "[DONE]" after the value, which is not JSON.
      ready.addAll(heard ? translator.end() : translator.noJson());
      return;
    }
    heard = true;
    ready.addAll(value == null ? translator.end() : translator.translate(value));
  }

  private List<ChatEvent> broken(IOException cause) {
    return translator.broken(
        cause instanceof EventTooLongException ? UpstreamLimitException.answer(mostBytes) : cause);
  }

  /**
   * Aborts the connection when the provider has not finished, because closing the stream would read
   * it to its end. After a complete answer the connection can be used again.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      // A second reader would take bytes of the connection's next answer.
      return;
    }
    boolean whole = over && translator.whole();
    over = true;
    if (whole) {
      LiveBody.finish(body);
      return;
    }
    try {
      LiveBody.abort(body);
    } catch (IOException e) {
      // The connection is broken; the pool removes it.
    }
  }
}
