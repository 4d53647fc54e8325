package dev.llmproxy.base;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder LLMPROXY_DATA. It contains conversations, addresses and hashes of keys. Its files are
 * accessible only to the account that runs llmproxy, whatever the umask is. File systems without
 * POSIX permissions are left as they are.
 */
public final class DataFolder {
  private static final Logger LOG = LoggerFactory.getLogger(DataFolder.class);

  /** The names of the files that llmproxy and SQLite store in the folder. */
  private static final Pattern OURS =
      Pattern.compile(
          "(ledger|workbook|keys-snapshot|models|server|reasoning)\\.[a-z].*|revoked-keys(/.*)?");

  private static final Set<PosixFilePermission> OWNERS =
      EnumSet.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE);
  private static final Set<PosixFilePermission> EXECUTE =
      EnumSet.of(
          PosixFilePermission.OWNER_EXECUTE,
          PosixFilePermission.GROUP_EXECUTE,
          PosixFilePermission.OTHERS_EXECUTE);
  private static final Set<PosixFilePermission> PRIVATE_FILE =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> PRIVATE_FOLDER =
      PosixFilePermissions.fromString("rwx------");
  private static final int STICKY = 01000;

  private DataFolder() {}

  /**
   * Creates the folder and its parents when they are missing.
   *
   * @throws IOException when the folder cannot be created
   */
  public static void make(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(folder.toAbsolutePath().getParent());
      makePrivate(folder);
    }
  }

  /** Creates a private folder inside the data folder when it is missing. */
  public static void makePrivate(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(folder, attribute(folder, PRIVATE_FOLDER));
      set(folder, PRIVATE_FOLDER);
    }
  }

  /** Creates an empty private file when it is missing. */
  public static void create(Path file) throws IOException {
    try {
      Files.createFile(file, attribute(file, PRIVATE_FILE));
      set(file, PRIVATE_FILE);
    } catch (FileAlreadyExistsException e) {
      // tighten corrects the permissions of an existing file.
    }
  }

  /**
   * Removes the permissions of other accounts: on the whole folder when it is llmproxy's own,
   * otherwise on llmproxy's files in it. Links are not followed.
   *
   * @return the paths that other accounts can still access
   */
  public static List<Path> tighten(Path folder) {
    List<Path> exposed = exposed(folder);
    exposed.removeIf(path -> {
      try {
        Set<PosixFilePermission> permissions = permissions(path);
        permissions.retainAll(OWNERS);
        Files.setPosixFilePermissions(path, permissions);
        return true;
      } catch (IOException e) {
        return false;
      }
    });
    return exposed;
  }

  /** The paths that {@link #tighten} would change; empty when the folder is missing. */
  public static List<Path> exposed(Path folder) {
    List<Path> exposed = new ArrayList<>();
    try {
      Path real = folder.toRealPath();
      if (!posix(real)) {
        return exposed;
      }
      boolean own = isOwn(real);
      for (Path path : walk(real)) {
        if ((own || OURS.matcher(real.relativize(path).toString()).matches())
            && isOpenToOthers(path)) {
          exposed.add(path);
        }
      }
    } catch (IOException e) {
      LOG.debug("The permissions in {} cannot be read", folder, e);
    }
    return exposed;
  }

  /** Whether other accounts have any permission on a file or folder; false for a link. */
  public static boolean isOpenToOthers(Path path) {
    try {
      return !Files.isSymbolicLink(path) && !OWNERS.containsAll(permissions(path));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Whether the folder is llmproxy's alone, judging by its place and content. A shared folder
   * (/tmp, the program's folder, a folder with executables) must stay accessible to its other
   * users.
   */
  public static boolean isOwn(Path folder) throws IOException {
    Path real = folder.toRealPath();
    return real.getParent() != null
        && !containsHomes(real)
        && !Settings.defaultHome().startsWith(real)
        && !Files.exists(real.resolve("application.properties"))
        && ((int) Files.getAttribute(real, "unix:mode") & STICKY) == 0
        && containsOnlyFiles(real);
  }

  /** A service's home is often its data folder, but a parent of a home contains other homes. */
  private static boolean containsHomes(Path folder) {
    Path home = Path.of(System.getProperty("user.home"));
    return home.startsWith(folder) && !home.equals(folder);
  }

  /** Whether the folder contains only files and folders of files, none of them executable. */
  private static boolean containsOnlyFiles(Path folder) throws IOException {
    return walk(folder).stream()
        .noneMatch(path ->
            Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
                ? folder.relativize(path).getNameCount() > 1
                : isProgram(path));
  }

  /** The folder and two levels below it; unreadable entries are left out. */
  private static List<Path> walk(Path folder) throws IOException {
    List<Path> paths = new ArrayList<>(List.of(folder));
    Files.walkFileTree(
        folder,
        EnumSet.noneOf(FileVisitOption.class),
        2,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
            if (!path.equals(folder)) {
              paths.add(path);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
            paths.add(path);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path path, IOException failure) {
            return FileVisitResult.CONTINUE;
          }
        });
    return paths;
  }

  private static boolean isProgram(Path file) {
    try {
      return !Files.isSymbolicLink(file) && permissions(file).stream().anyMatch(EXECUTE::contains);
    } catch (IOException e) {
      return false;
    }
  }

  private static Set<PosixFilePermission> permissions(Path path) throws IOException {
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    permissions.addAll(Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
    return permissions;
  }

  private static void set(Path path, Set<PosixFilePermission> permissions) throws IOException {
    if (posix(path)) {
      Files.setPosixFilePermissions(path, permissions);
    }
  }

  private static FileAttribute<?>[] attribute(Path path, Set<PosixFilePermission> permissions) {
    return posix(path)
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
        : new FileAttribute<?>[0];
  }

  private static boolean posix(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }
}
