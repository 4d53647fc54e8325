package dev.llmproxy.keys;

import dev.llmproxy.base.PrivateFile;
import dev.llmproxy.workbook.WorkbookException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An administrator's confirmation that lost keys or columns were deleted on purpose: an empty file
 * in the data folder, which {@code confirm-keys} creates and the server deletes.
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
   * Creates the file. The server applies the confirmation with its next reading of the sheet.
   *
   * @throws WorkbookException when the file cannot be written
   */
  public void create() {
    try {
      PrivateFile.touch(file);
    } catch (IOException e) {
      throw new WorkbookException(file + " cannot be written: " + e, e);
    }
  }

  boolean exists() {
    return Files.exists(file);
  }

  /** Deletes the file, after the confirmation has been applied. */
  void delete() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn(
          "{} cannot be deleted; delete it, or it will confirm later losses too: {}",
          file,
          e.toString());
    }
  }
}
