package dev.llmproxy.base;

import java.nio.file.Path;
import java.util.List;

/**
 * The routes that run.
 *
 * @param folder routes/, whose files always run
 * @param optional the names of the files of routes/optional/ that run too, in the setting's order:
 *     {@code callback-slack} is {@code routes/optional/callback-slack.camel.yaml}
 */
public record RouteSettings(Path folder, List<String> optional) {
  /** The end of the name of every file with routes. */
  public static final String SUFFIX = ".camel.yaml";

  /** The folder in routes/ with the files that run only when they are named. */
  public static final String OPTIONAL = "optional";

  private static final String FOLDER = "routes";

  /**
   * @throws Settings.SettingException when a name has no file
   */
  public static RouteSettings of(Settings settings) {
    return settings.read(RouteSettings::read);
  }

  static RouteSettings read(SettingsReader in) {
    Path folder = in.home().resolve(FOLDER);
    return new RouteSettings(folder, in.names("OPTIONAL_ROUTES", folder.resolve(OPTIONAL), SUFFIX));
  }

  /** The folder of the files that run only when they are named. */
  public Path optionalFolder() {
    return folder.resolve(OPTIONAL);
  }

  /** The files of {@link #optional}. */
  public List<Path> files() {
    return optional.stream().map(name -> optionalFolder().resolve(name + SUFFIX)).toList();
  }

  /** The names that OPTIONAL_ROUTES may have, sorted. */
  public List<String> available() {
    return SettingsReader.namesIn(optionalFolder(), SUFFIX);
  }
}
