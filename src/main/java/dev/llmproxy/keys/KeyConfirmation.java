package dev.llmproxy.keys;

import dev.llmproxy.base.PrivateFile;
import dev.llmproxy.workbook.WorkbookException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An administrator's word, given on this machine, that what the sheet of the keys has lost is meant
 * to be gone: an empty file that the command line makes and the server removes.
 */
public final class KeyConfirmation {
  private static final Logger LOG = LoggerFactory.getLogger(KeyConfirmation.class);

  private final Path file;

  /**
   * @param data the data folder, which must exist
   */
  public KeyConfirmation(Path data) {
    file = data.resolve("keys-confirmed");
  }

  /**
   * Gives the word; the server acts by it with its next reading of the sheet.
   *
   * @throws WorkbookException when it cannot be written
   */
  public void give() {
    try {
      PrivateFile.touch(file);
    } catch (IOException e) {
      throw new WorkbookException(file + " cannot be written: " + e, e);
    }
  }

  boolean given() {
    return Files.exists(file);
  }

  /** It has been acted by. */
  void done() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("{} cannot be deleted; delete it: {}", file, e.toString());
    }
  }
}
