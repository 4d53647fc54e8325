package dev.llmproxy.base;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * An exclusive lock on a file: one process at a time uses a folder. The operating system releases
 * it when the process ends.
 */
public final class FolderLock implements AutoCloseable {
  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock without waiting.
   *
   * @param file created if absent, for this account only
   * @return empty when another process or this one holds the lock
   * @throws IOException when the file cannot be created or opened
   */
  public static Optional<FolderLock> take(Path file) throws IOException {
    DataFolder.create(file);
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() != null) {
        return Optional.of(new FolderLock(channel));
      }
    } catch (OverlappingFileLockException e) {
      // This process holds it.
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    channel.close();
    return Optional.empty();
  }

  /**
   * Whether a process holds the lock.
   *
   * @param file not created if absent
   * @throws IOException when the file cannot be opened
   */
  public static boolean isTaken(Path file) throws IOException {
    if (!Files.exists(file)) {
      return false;
    }
    Optional<FolderLock> lock = take(file);
    if (lock.isPresent()) {
      lock.get().close();
    }
    return lock.isEmpty();
  }

  /** Releases the lock. */
  @Override
  public void close() throws IOException {
    channel.close();
  }
}
