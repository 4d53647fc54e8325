package dev.llmproxy.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderLockTest {
  @TempDir Path folder;

  @Test
  void lockIsExclusiveUntilReleased() throws Exception {
    Path file = folder.resolve("a.lock");
    FolderLock lock = FolderLock.take(file).orElseThrow();
    assertThat(FolderLock.take(file)).isEmpty();
    assertThat(FolderLock.isTaken(file)).isTrue();

    lock.close();

    assertThat(FolderLock.isTaken(file)).isFalse();
    FolderLock.take(file).orElseThrow().close();
  }

  @Test
  void checkingTheLockCreatesNoFile() throws Exception {
    Path file = folder.resolve("a.lock");

    assertThat(FolderLock.isTaken(file)).isFalse();
    assertThat(Files.exists(file)).isFalse();
  }
}
