package dev.llmproxy.migration;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/** A value of a YAML file with its place. Anchors and merge keys are resolved. */
final class YamlValue {
  private final String file;
  private final Node node;

  private YamlValue(String file, Node node) {
    this.file = file;
    this.node = node;
  }

  /**
   * Reads a file.
   *
   * @return null for an empty file
   * @throws ImportException when it cannot be read or is not YAML
   */
  static YamlValue read(Path path) {
    String name = path.getFileName().toString();
    try {
      Node root = new Yaml(new LoaderOptions()).compose(new StringReader(Files.readString(path)));
      return root == null ? null : new YamlValue(name, root);
    } catch (MarkedYAMLException e) {
      int line = e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1;
      throw new ImportException("%s:%d: invalid YAML: %s".formatted(name, line, e.getProblem()));
    } catch (NoSuchFileException e) {
      throw new ImportException(path + " does not exist");
    } catch (CharacterCodingException e) {
      throw new ImportException(path + " is not UTF-8 text");
    } catch (IOException e) {
      throw new ImportException(path + " cannot be read: " + e.getMessage());
    }
  }

  /** The file and the line, as {@code config.yaml:12}. */
  String place() {
    return file + ":" + (node.getStartMark().getLine() + 1);
  }

  boolean isMap() {
    return node instanceof MappingNode;
  }

  boolean isList() {
    return node instanceof SequenceNode;
  }

  private boolean isNull() {
    return node instanceof ScalarNode && node.getTag().equals(Tag.NULL);
  }

  /**
   * The values by their names, in the order of the file, without those that are null.
   *
   * @throws ImportException when this is no map
   */
  Map<String, YamlValue> entries() {
    if (!(node instanceof MappingNode map)) {
      throw wrong("must be a map of names and values");
    }
    Map<String, YamlValue> own = new LinkedHashMap<>();
    Map<String, YamlValue> merged = new LinkedHashMap<>();
    for (NodeTuple entry : map.getValue()) {
      YamlValue value = new YamlValue(file, entry.getValueNode());
      if (entry.getKeyNode().getTag().equals(Tag.MERGE)) {
        List<YamlValue> sources = value.isList() ? value.items() : List.of(value);
        sources.forEach(source -> source.entries().forEach(merged::putIfAbsent));
      } else if (!value.isNull()) {
        own.put(new YamlValue(file, entry.getKeyNode()).text(), value);
      }
    }
    merged.forEach(own::putIfAbsent);
    return own;
  }

  /** The value with this name; null when there is none. */
  YamlValue get(String name) {
    return entries().get(name);
  }

  /**
   * The elements of a list.
   *
   * @throws ImportException when this is no list
   */
  List<YamlValue> items() {
    if (!(node instanceof SequenceNode list)) {
      throw wrong("must be a list");
    }
    List<YamlValue> items = new ArrayList<>();
    list.getValue().forEach(each -> items.add(new YamlValue(file, each)));
    return items;
  }

  /** The elements of a list, or this value as the only one. */
  List<YamlValue> oneOrMore() {
    return isList() ? items() : List.of(this);
  }

  /**
   * A text, number or word as it is written.
   *
   * @throws ImportException when this is a list or a map
   */
  String text() {
    if (!(node instanceof ScalarNode scalar)) {
      throw wrong("must be a text or a number");
    }
    return scalar.getValue().strip();
  }

  /** The text with this name; null when there is none. */
  String text(String name) {
    YamlValue value = get(name);
    return value == null ? null : value.text();
  }

  boolean isTrue() {
    return node instanceof ScalarNode && text().equalsIgnoreCase("true");
  }

  /** An error about this value. */
  ImportException wrong(String what) {
    return new ImportException(place() + ": the value " + what);
  }
}
