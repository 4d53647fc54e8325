package dev.llmproxy.base;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Settings whose value is in a file: {@code OPENAI_API_KEY_FILE=/run/secrets/openai} sets {@code
 * OPENAI_API_KEY} to the content of that file. This is how Docker and Kubernetes hand over secrets.
 * It works for every setting of the product and for the settings that provider files name.
 */
final class SecretFiles {
  private static final String SUFFIX = "_FILE";
  private static final String KEY = "_API_KEY";

  /** The longest file, in bytes: longer than any key, far shorter than a wrong file. */
  private static final long MOST_BYTES = 65_536;

  private final Path home;
  private final List<String> problems = new ArrayList<>();

  /**
   * @param home relative paths start here; its folder providers/ names further settings
   */
  SecretFiles(Path home) {
    this.home = home;
  }

  /** The setting that {@code name} gives the file of, if it does. */
  static Optional<String> settingOf(Path home, String name) {
    if (!name.endsWith(SUFFIX) || KnownSettings.all().containsKey(name)) {
      return Optional.empty();
    }
    String setting = name.substring(0, name.length() - SUFFIX.length());
    return KnownSettings.all().containsKey(setting)
            || setting.endsWith(KEY)
            || isInProviders(home, setting)
        ? Optional.of(setting)
        : Optional.empty();
  }

  /**
   * The contents of the files that these settings name.
   *
   * @param values settings by name, all of one source
   * @param source where they come from, for messages
   * @return the content by the setting's name
   */
  Map<String, String> read(Map<String, String> values, String source) {
    Map<String, String> contents = new TreeMap<>();
    values.forEach((name, file) -> {
      Optional<String> setting = file.isBlank() ? Optional.empty() : settingOf(home, name);
      if (setting.isEmpty()) {
        return;
      }
      if (!values.getOrDefault(setting.get(), "").isBlank()) {
        problems.add(
            "%s and %s are both set (%s); set only one of them"
                .formatted(setting.get(), name, source));
        return;
      }
      content(name, file.strip(), source).ifPresent(text -> contents.put(setting.get(), text));
    });
    return contents;
  }

  /**
   * Refuses files that cannot be used.
   *
   * @throws Settings.SettingException that lists each of them
   */
  void demandNoProblems() {
    if (!problems.isEmpty()) {
      throw new Settings.SettingException(problems);
    }
  }

  private Optional<String> content(String name, String file, String source) {
    try {
      Path path = home.resolve(file);
      if (!Files.isRegularFile(path)) {
        return problem(name, file, source, "there is no such file");
      }
      if (Files.size(path) > MOST_BYTES) {
        return problem(name, file, source, "it has more than " + MOST_BYTES + " bytes");
      }
      String text = Files.readString(path, StandardCharsets.UTF_8).strip();
      return text.isEmpty() ? problem(name, file, source, "it is empty") : Optional.of(text);
    } catch (IOException | InvalidPathException e) {
      return problem(name, file, source, e.toString());
    }
  }

  private Optional<String> problem(String name, String file, String source, String why) {
    problems.add("%s is \"%s\", which cannot be read: %s (%s)".formatted(name, file, why, source));
    return Optional.empty();
  }

  /** Whether a provider file mentions the setting, e.g. {@code HF_TOKEN}. */
  private static boolean isInProviders(Path home, String setting) {
    Path folder = home.resolve("providers");
    if (!Files.isDirectory(folder)) {
      return false;
    }
    Pattern word = Pattern.compile("\\b" + Pattern.quote(setting) + "\\b");
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.yaml")) {
      for (Path file : files) {
        if (word.matcher(Files.readString(file)).find()) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
