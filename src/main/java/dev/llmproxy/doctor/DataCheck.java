package dev.llmproxy.doctor;

import dev.llmproxy.base.DataFolder;
import dev.llmproxy.base.FolderLock;
import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.ArrayList;
import java.util.List;

/** Checks that the data folder can be written to, is private and has free space. */
final class DataCheck {
  private static final String CHECK = "data";
  private static final List<String> LINKED = List.of("ledger.db", "workbook.db", "revoked-keys");
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
              there + (Files.isDirectory(there) ? " cannot be written to" : " is not a folder"),
              "Give the user who runs llmproxy write access, or set LLMPROXY_DATA"));
    }
    List<Finding> findings = new ArrayList<>();
    findings.add(
        Finding.ok(
            CHECK,
            folder
                + (!there.equals(folder)
                    ? " will be created by the first start"
                    : inUse() ? " is in use by a running server" : " can be written to")));
    checkPrivacy(findings);
    try {
      findings.add(space(Files.getFileStore(there).getUsableSpace() / MEGABYTE));
    } catch (IOException e) {
      findings.add(
          Finding.warning(CHECK, "free space is unknown: " + e.getMessage(), "Check the disk"));
    }
    return findings;
  }

  /** Checks permissions and owner: the folder has conversations, addresses and hashes of keys. */
  private void checkPrivacy(List<Finding> findings) {
    List<Path> exposed = DataFolder.exposed(folder);
    if (!exposed.isEmpty()) {
      findings.add(
          Finding.warning(
              CHECK,
              "other accounts of this machine can access %s%s"
                  .formatted(
                      exposed.get(0),
                      exposed.size() == 1 ? "" : " and %d more".formatted(exposed.size() - 1)),
              "The next start makes them private; if it fails to: chmod -R go= " + folder));
    }
    try {
      if (!Files.isDirectory(folder)) {
        return;
      }
      if (!DataFolder.isOwn(folder)) {
        findings.add(
            Finding.warning(
                CHECK,
                folder
                    + " contains files of other programs, so llmproxy does not change its permissions",
                "Set LLMPROXY_DATA to a separate folder, or make it private yourself: chmod 700 "
                    + folder));
      }
      UserPrincipal owner = Files.getOwner(folder);
      String account = System.getProperty("user.name");
      if (!owner.equals(
          folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(account))) {
        findings.add(
            Finding.warning(
                CHECK,
                "%s belongs to %s, but doctor runs as %s"
                    .formatted(folder, owner.getName(), account),
                "Run the server and its commands as the folder's owner"));
      }
      for (String name : LINKED) {
        Path file = folder.resolve(name);
        if (Files.isSymbolicLink(file)) {
          Path target = file.toRealPath();
          findings.add(
              DataFolder.isOpenToOthers(target)
                  ? Finding.warning(
                      CHECK,
                      "%s is a link to %s, which other accounts can access".formatted(file, target),
                      "chmod go= " + target)
                  : Finding.ok(CHECK, "%s is a link to %s".formatted(file, target)));
        }
      }
    } catch (UserPrincipalNotFoundException | UnsupportedOperationException e) {
      // The account has no name, or the file system has no owners: nothing to compare.
    } catch (IOException e) {
      findings.add(
          Finding.warning(
              CHECK,
              "%s cannot be read: %s".formatted(folder, e.getMessage()),
              "Check its links and permissions"));
    }
  }

  static Finding space(long megabytes) {
    String what = megabytes + " MB free";
    String remedy = "Free some space: requests that cannot be recorded are refused";
    if (megabytes < HOPELESS_MEGABYTES) {
      return Finding.problem(CHECK, what, remedy);
    }
    return megabytes < SCARCE_MEGABYTES
        ? Finding.warning(CHECK, what, remedy)
        : Finding.ok(CHECK, what);
  }

  private boolean inUse() {
    try {
      return FolderLock.isTaken(folder.resolve("ledger.lock"));
    } catch (IOException e) {
      return false;
    }
  }
}
