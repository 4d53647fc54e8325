package dev.llmproxy.keys;

import dev.llmproxy.base.DataFolder;
import dev.llmproxy.base.PrivateFile;
import dev.llmproxy.workbook.WorkbookException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys that were revoked on this machine and not yet in the sheet: a folder with an empty file
 * for each key, whose name is the key's hash. {@code revoke-key} creates the files and the server
 * deletes them; separate files need no lock between the two.
 */
public final class RevokedKeys {
  private static final Logger LOG = LoggerFactory.getLogger(RevokedKeys.class);
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");

  private final Path folder;
  private boolean readable = true;

  /**
   * @param data the data folder, which contains the folder {@code revoked-keys}
   * @throws WorkbookException when the folder does not exist and cannot be created
   */
  public RevokedKeys(Path data) {
    this.folder = data.resolve("revoked-keys");
    try {
      DataFolder.make(data);
      DataFolder.makePrivate(folder);
    } catch (IOException e) {
      throw new WorkbookException("The folder " + folder + " cannot be created: " + e, e);
    }
  }

  /**
   * Revokes the key with this hash (lower-case hex sha256). A running server refuses it within a
   * second.
   *
   * @throws WorkbookException when the file cannot be written
   */
  public void add(String hash) {
    try {
      PrivateFile.touch(folder.resolve(hash));
    } catch (IOException e) {
      throw new WorkbookException("The key cannot be revoked in " + folder + ": " + e, e);
    }
  }

  /** Deletes the key's file, because the sheet itself rejects the key now. */
  public void remove(String hash) {
    try {
      Files.deleteIfExists(folder.resolve(hash));
    } catch (IOException e) {
      LOG.warn("{} cannot be deleted, so its key stays revoked: {}", folder.resolve(hash), e);
    }
  }

  /** The hashes of revoked keys; {@code known} when the folder cannot be read, which is logged. */
  Set<String> read(Set<String> known) {
    try (Stream<Path> files = Files.list(folder)) {
      Set<String> hashes =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> HASH.matcher(name).matches())
              .collect(Collectors.toUnmodifiableSet());
      readable = true;
      return hashes;
    } catch (IOException e) {
      if (readable) {
        LOG.warn(
            "{} cannot be read, so newly revoked keys stay valid until the sheet is read: {}",
            folder,
            e.toString());
      }
      readable = false;
      return known;
    }
  }
}
