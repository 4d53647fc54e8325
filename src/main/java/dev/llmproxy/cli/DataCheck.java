package dev.llmproxy.cli;

import dev.llmproxy.Settings;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Whether the data folder can be written to, and who has it. */
final class DataCheck {
  private static final String CHECK = "data";
  private static final long MEGABYTE = 1L << 20;
  private static final long SCARCE_MEGABYTES = 1024;
  private static final long HOPELESS_MEGABYTES = 64;

  private final Path folder;

  DataCheck(Settings settings) {
    folder = settings.path("LLMPROXY_DATA");
  }

  List<Finding> run() {
    Path there = folder;
    while (!Files.exists(there)) {
      there = there.getParent();
    }
    if (!Files.isDirectory(there) || !Files.isWritable(there)) {
      return List.of(
          Finding.problem(
              CHECK,
              there + (Files.isDirectory(there) ? " cannot be written to" : " is no folder"),
              "Give the user who runs llmproxy the right to write there, or set LLMPROXY_DATA"));
    }
    List<Finding> findings = new ArrayList<>();
    findings.add(
        Finding.ok(
            CHECK,
            folder
                + (!there.equals(folder)
                    ? " will be made by the first start"
                    : inUse() ? " is in use by a running server" : " can be written to")));
    try {
      findings.add(space(Files.getFileStore(there).getUsableSpace() / MEGABYTE));
    } catch (IOException e) {
      findings.add(
          Finding.warning(CHECK, "free space is unknown: " + e.getMessage(), "Look at the disk"));
    }
    return findings;
  }

  static Finding space(long megabytes) {
    String what = megabytes + " MB are free";
    String remedy = "Make room: without it requests are refused, because they cannot be recorded";
    if (megabytes < HOPELESS_MEGABYTES) {
      return Finding.problem(CHECK, what, remedy);
    }
    return megabytes < SCARCE_MEGABYTES
        ? Finding.warning(CHECK, what, remedy)
        : Finding.ok(CHECK, what);
  }

  private boolean inUse() {
    Path lock = folder.resolve("ledger.lock");
    if (!Files.exists(lock)) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
      return channel.tryLock() == null;
    } catch (OverlappingFileLockException e) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
