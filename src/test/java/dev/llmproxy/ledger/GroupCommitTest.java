package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every caller gets an outcome, whatever is thrown and whenever the writer is closed. */
@Timeout(60)
class GroupCommitTest {
  @TempDir private Path folder;
  private SqliteStore store;

  @BeforeEach
  void make() {
    store = new SqliteStore(folder, false);
    Ledger.open(store, Duration.ofSeconds(30)).close();
  }

  @Test
  void errorFailsItsOwnWorkAndTheWriterContinues() throws SQLException {
    GroupCommit.BatchStatements<String, String> breaking =
        (prepared, inputs) -> {
          if (inputs.contains("break")) {
            throw new StackOverflowError("too deep");
          }
          return inputs;
        };
    try (GroupCommit writing = new GroupCommit(store)) {
      assertThatThrownBy(() ->
              writing.run(connection -> {
                throw new NoClassDefFoundError("gone");
              }))
          .isInstanceOf(LedgerException.class)
          .hasMessageContaining("gone");
      CompletableFuture<String> before = writing.submit(breaking, "before");
      CompletableFuture<String> broken = writing.submit(breaking, "break");
      CompletableFuture<String> after = writing.submit(breaking, "after");

      assertThatThrownBy(() -> GroupCommit.await(broken))
          .isInstanceOf(LedgerException.class)
          .hasMessageContaining("too deep");
      assertThat(GroupCommit.await(before)).isEqualTo("before");
      assertThat(GroupCommit.await(after)).isEqualTo("after");
      assertThat(writing.<Integer>run(connection -> 1)).isEqualTo(1);
    }
  }

  @Test
  void errorInCommitFailsItsWorkAndTheNextIsCommitted() throws SQLException {
    GroupCommit.BatchStatements<String, String> closing =
        (prepared, inputs) -> {
          prepared.connection().close();
          throw new OutOfMemoryError("not really");
        };
    try (GroupCommit writing = new GroupCommit(store)) {
      assertThatThrownBy(() -> writing.run(closing, "any")).isInstanceOf(LedgerException.class);
      assertThat(writing.<Integer>run(connection -> 1)).isEqualTo(1);
    }
  }

  /** Without the lock, about one in five hundred runs hung. */
  @Test
  void workSubmittedDuringCloseIsCommittedOrFails() throws Exception {
    GroupCommit.BatchStatements<String, String> statements = (prepared, inputs) -> inputs;
    for (int round = 0; round < 300; round++) {
      GroupCommit writing = new GroupCommit(store);
      int threads = 4;
      CyclicBarrier together = new CyclicBarrier(threads + 1);
      List<CompletableFuture<List<CompletableFuture<String>>>> submitting = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        CompletableFuture<List<CompletableFuture<String>>> submitted = new CompletableFuture<>();
        submitting.add(submitted);
        Thread.ofPlatform()
            .start(() -> {
              List<CompletableFuture<String>> works = new ArrayList<>();
              await(together);
              for (int n = 0; n < 50; n++) {
                works.add(writing.submit(statements, "x"));
              }
              submitted.complete(works);
            });
      }
      await(together);
      writing.close();
      for (CompletableFuture<List<CompletableFuture<String>>> submitted : submitting) {
        for (CompletableFuture<String> work : submitted.get(10, TimeUnit.SECONDS)) {
          assertThat(work.handle((output, failure) -> output == null ? failure : output))
              .succeedsWithin(Duration.ofSeconds(10));
        }
      }
    }
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
