package dev.llmproxy.provider.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.llmproxy.Fixtures;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.provider.ProviderEvents;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class ProviderEventsTest {
  private static final String ANSWER =
      """
      data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}

      data: [DONE]

      """;

  /** A connection whose end has not come yet. */
  private static final class OpenEnd extends InputStream {
    final CountDownLatch reading = new CountDownLatch(1);
    final CountDownLatch end = new CountDownLatch(1);
    final AtomicInteger readers = new AtomicInteger();

    @Override
    public int read(byte[] bytes, int offset, int length) {
      return read();
    }

    @Override
    public int read() {
      readers.incrementAndGet();
      reading.countDown();
      try {
        end.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return -1;
    }
  }

  @Test
  void onlyOneThreadReadsTheRestWhenTheAnswerIsClosedTwice() throws InterruptedException {
    ChatCall chat =
        Fixtures.chat(
            "{\"model\":\"groq/llama-test\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
                .getBytes(UTF_8));
    OpenEnd rest = new OpenEnd();
    ProviderEvents events =
        new ProviderEvents(
            new SequenceInputStream(new ByteArrayInputStream(ANSWER.getBytes(UTF_8)), rest),
            "text/event-stream",
            new OpenAiStreamTranslator(chat),
            1 << 16,
            chat.memory());
    while (events.hasNext()) {
      events.next();
    }
    events.close();
    events.close();

    rest.reading.await();
    Awaitility.await().during(Duration.ofMillis(100)).until(() -> rest.readers.get() == 1);
    rest.end.countDown();
  }
}
