package dev.llmproxy.keys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.Settings;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApiKeyBookTest {
  private static final int AT_ONCE = 8;

  @Test
  void keysAddedConcurrentlyToANewSheetAreAllInIt(@TempDir Path folder) throws Exception {
    try (EmbeddedWorkbook embedded = EmbeddedWorkbook.open(folder, 0);
        ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE)) {
      Workbook workbook =
          Workbook.open(Settings.load(Path.of(""), Map.of("SHEETS_ROOT_URL", embedded.rootUrl())));
      CyclicBarrier together = new CyclicBarrier(AT_ONCE);
      List<Future<?>> adding = new ArrayList<>();
      for (int i = 0; i < AT_ONCE; i++) {
        String email = "user" + i + "@example.com";
        adding.add(
            threads.submit(() -> {
              together.await();
              new ApiKeyBook(workbook)
                  .add(
                      ApiKey.generate(new SecureRandom()),
                      email,
                      "Test",
                      "free",
                      "2026-01-01T00:00:00Z");
              return null;
            }));
      }
      for (Future<?> added : adding) {
        added.get();
      }

      assertThat(new ApiKeyBook(workbook).rows()).hasSize(AT_ONCE);
    }
  }
}
