package dev.llmproxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class LiveBodyTest {

  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void finishDoesNotWaitForACompressedBodyThatStaysOpen() throws Exception {
    CompletableFuture<Thread> reader = new CompletableFuture<>();
    // As GZIPInputStream, which says that bytes are available until it has seen its end.
    InputStream open =
        new InputStream() {
          @Override
          public int available() {
            return 1;
          }

          @Override
          public int read() throws IOException {
            reader.complete(Thread.currentThread());
            try {
              TimeUnit.DAYS.sleep(1);
              return -1;
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
          }

          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            return read();
          }
        };

    LiveBody.finish(open);

    assertThat(reader.get()).isNotSameAs(Thread.currentThread());
    reader.get().join();
  }
}
