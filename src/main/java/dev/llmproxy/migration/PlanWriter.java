package dev.llmproxy.migration;

import dev.llmproxy.base.PrivateFile;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.ProviderCatalogue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Checks a plan as the server would, and writes its files. */
public final class PlanWriter {
  private static final String ROUTING = "providers/routing.yaml";
  private static final String BEFORE = ".before-import";

  private final Settings settings;
  private final ImportPlan plan;

  /**
   * @param settings those of the home folder that is written to
   */
  public PlanWriter(Settings settings, ImportPlan plan) {
    this.settings = settings;
    this.plan = plan;
  }

  /**
   * Loads the home folder's providers with those of the plan, in a copy.
   *
   * @throws ImportException when the result would not start; the message has the file and line
   */
  public void check() {
    for (Map.Entry<String, String> setting : plan.settings().entrySet()) {
      if (setting.getValue().chars().anyMatch(sign -> sign < ' ' || sign == 0x7f)) {
        throw new ImportException(
            "the value of %s has control characters, which settings cannot have"
                .formatted(setting.getKey()));
      }
    }
    Path copy = null;
    try {
      copy = Files.createTempDirectory("llmproxy-import");
      copyHome(copy);
      for (Map.Entry<String, String> file : plan.files().entrySet()) {
        Files.writeString(copy.resolve(file.getKey()), file.getValue());
      }
      Map<String, String> values = new HashMap<>(settings.asMap());
      // The map has their contents too.
      values.keySet().removeIf(settings::isFileOfSetting);
      values.putAll(plan.settings());
      // Its relative path would begin at the copy.
      values.remove("VERTEX_CREDENTIALS");
      Settings result = Settings.load(copy, values);
      List<String> wrong = new ArrayList<>();
      result
          .wrongValues()
          .forEach((name, problem) -> {
            if (plan.settings().containsKey(name)) {
              wrong.add(problem);
            }
          });
      if (!wrong.isEmpty()) {
        throw new ImportException(String.join("\n", wrong));
      }
      new ProviderCatalogue(result);
    } catch (Settings.SettingException e) {
      throw new ImportException("the result would not start: " + e.getMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      delete(copy);
    }
  }

  private void copyHome(Path copy) throws IOException {
    Files.writeString(copy.resolve("application.properties"), "");
    Path providers = Files.createDirectories(copy.resolve("providers"));
    Path routes = Files.createDirectories(copy.resolve("routes"));
    try (Stream<Path> files = Files.list(settings.home().resolve("providers"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, providers.resolve(file.getFileName().toString()));
      }
    }
    // The names of the routes are the wire formats.
    if (Files.isDirectory(settings.home().resolve("routes"))) {
      try (Stream<Path> files = Files.list(settings.home().resolve("routes"))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Files.createFile(routes.resolve(file.getFileName().toString()));
        }
      }
    }
  }

  private static void delete(Path folder) {
    if (folder == null) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Writes the files. A file that somebody has edited is kept, unless {@code force}; then its
   * earlier text is kept beside it.
   *
   * @return the files that were written
   * @throws ImportException when an edited file is in the way; nothing is written then
   */
  public List<Path> write(boolean force) throws IOException {
    Map<Path, String> files = new TreeMap<>();
    plan.files()
        .forEach((path, text) ->
            files.put(settings.home().resolve(path), ImportedFile.marked(plan.source(), text)));
    Path secrets = settings.home().resolve(ImportPlan.SETTINGS_FILE);
    if (!plan.settings().isEmpty()) {
      files.put(secrets, ImportedFile.marked(plan.source(), PlanText.settings(plan)));
    }
    for (Path file : files.keySet()) {
      if (!force && isEdited(file)) {
        throw new ImportException(
            "%s is there and was edited; nothing was written. Move it away, or use --force, which keeps its text in %s%s"
                .formatted(file, file.getFileName(), BEFORE));
      }
    }
    for (Map.Entry<Path, String> entry : files.entrySet()) {
      Path file = entry.getKey();
      if (isEdited(file)) {
        PrivateFile.write(file.resolveSibling(file.getFileName() + BEFORE), Files.readString(file));
      }
      if (file.equals(secrets)) {
        PrivateFile.write(file, entry.getValue());
      } else {
        Path aside = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(aside, entry.getValue());
        Files.move(
            aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return List.copyOf(files.keySet());
  }

  private boolean isEdited(Path file) throws IOException {
    if (!Files.exists(file)) {
      return false;
    }
    String text = Files.readString(file);
    // The routing file of a fresh installation has comments alone.
    boolean nothing =
        file.equals(settings.home().resolve(ROUTING))
            && text.lines()
                .map(String::strip)
                .allMatch(line -> line.isEmpty() || line.startsWith("#"));
    return !nothing && !ImportedFile.isUnedited(text);
  }
}
