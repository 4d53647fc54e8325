package dev.llmproxy.base;

import dev.llmproxy.base.Settings.SettingException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.nodes.Node;

/** A YAML file whose nodes keep their lines, for messages. */
public final class YamlFile {
  private YamlFile() {}

  /**
   * Reads a file.
   *
   * @param shown the file's name in messages
   * @return the root of the document; null when the file is empty
   * @throws SettingException with the file, and the line where that is known, when it cannot be
   *     read as YAML
   */
  public static Node root(Path file, String shown) {
    try {
      return new Yaml(new LoaderOptions()).compose(new StringReader(Files.readString(file)));
    } catch (MarkedYAMLException e) {
      int line = e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1;
      throw new SettingException(
          "%s, line %d: invalid YAML: %s".formatted(shown, line, e.getProblem()));
    } catch (IOException e) {
      throw new SettingException(shown + ": the file cannot be read as UTF-8 text");
    }
  }
}
