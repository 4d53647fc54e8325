package dev.llmproxy.workbook.embedded;

import dev.llmproxy.base.DataFolder;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps a second process from opening the same workbook. Ends with the process at the latest. */
final class FolderLock implements AutoCloseable {
  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock.
   *
   * @throws IOException when somebody has it, this process included
   */
  static FolderLock take(Path file) throws IOException {
    DataFolder.create(file);
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() != null) {
        return new FolderLock(channel);
      }
    } catch (OverlappingFileLockException e) {
      // this process has it: the same answer as for another one
    }
    channel.close();
    throw new IOException(
        "The workbook in %s is open already. Stop the server that has it open, or use another folder."
            .formatted(file.getParent()));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
