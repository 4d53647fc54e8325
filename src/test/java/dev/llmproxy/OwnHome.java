package dev.llmproxy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A copy of the product's application.properties, routes and providers that a test can change. */
public final class OwnHome {
  private OwnHome() {}

  /**
   * Creates the copy.
   *
   * @param folder does not exist yet
   * @return the folder
   */
  public static Path copyTo(Path folder) throws IOException {
    for (String part : List.of("providers", "routes", "routes/optional")) {
      Path copies = Files.createDirectories(folder.resolve(part));
      if (!Files.isDirectory(Path.of(part))) {
        continue;
      }
      try (Stream<Path> files = Files.list(Path.of(part))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Files.copy(file, copies.resolve(file.getFileName()));
        }
      }
    }
    Path settings = Path.of("application.properties");
    Files.copy(settings, folder.resolve(settings));
    return folder;
  }
}
