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
 * Keys that were revoked on this machine, until the sheet says so too: a folder with an empty file
 * for each, named by the key's hash. Files of their own need no lock between the command line,
 * which makes them, and the server, which removes them.
 */
public final class RevokedKeys {
  private static final Logger LOG = LoggerFactory.getLogger(RevokedKeys.class);
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");

  private final Path folder;
  private boolean readable = true;

  /**
   * @param data the folder in which the folder {@code revoked-keys} is kept
   * @throws WorkbookException when it can be neither found nor made
   */
  public RevokedKeys(Path data) {
    this.folder = data.resolve("revoked-keys");
    try {
      DataFolder.make(data);
      DataFolder.makePrivate(folder);
    } catch (IOException e) {
      throw new WorkbookException("The folder " + folder + " cannot be made: " + e, e);
    }
  }

  /**
   * Revokes the key with this hash (lower-case hex sha256); a running server knows within a moment.
   *
   * @throws WorkbookException when it cannot be written
   */
  public void add(String hash) {
    try {
      PrivateFile.touch(folder.resolve(hash));
    } catch (IOException e) {
      throw new WorkbookException("The key cannot be revoked in " + folder + ": " + e, e);
    }
  }

  /** Forgets the key: the sheet says what is to be said of it. */
  public void remove(String hash) {
    try {
      Files.deleteIfExists(folder.resolve(hash));
    } catch (IOException e) {
      LOG.warn("{} cannot be deleted, so that key stays revoked: {}", folder.resolve(hash), e);
    }
  }

  /** The hashes; {@code known} when the folder cannot be read, which is logged. */
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
            "{} cannot be read, so revoke-key has no effect at once: {}", folder, e.toString());
      }
      readable = false;
      return known;
    }
  }
}
