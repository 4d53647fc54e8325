package dev.llmproxy.migration;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What an import would write, and what it leaves out. Filled by an importer. */
public final class ImportPlan {
  /** The file with settings and secrets in the home folder. */
  static final String SETTINGS_FILE = "imported.env";

  private final String source;
  private final Map<String, String> files = new TreeMap<>();
  private final Map<String, String> settings = new TreeMap<>();
  private final Set<String> secrets = new TreeSet<>();
  private final Map<String, String> needs = new TreeMap<>();
  private final Map<String, String> renamed = new TreeMap<>();
  private final Set<Note> notes = new LinkedHashSet<>();
  private final Map<String, ImportedKey> keys = new LinkedHashMap<>();

  /**
   * Something that has no exact equivalent.
   *
   * @param place the file and line, or the table and row
   * @param what its name
   * @param why the reason and the nearest equivalent
   */
  public record Note(String place, String what, String why) {}

  /**
   * @param source the other gateway's name
   */
  ImportPlan(String source) {
    this.source = source;
  }

  /** The other gateway's name. */
  public String source() {
    return source;
  }

  /** The texts of files by their path below the home folder. */
  public Map<String, String> files() {
    return files;
  }

  /** The settings of {@link #SETTINGS_FILE} by name. */
  public Map<String, String> settings() {
    return settings;
  }

  /** Whether a setting's value must not be shown. */
  public boolean isSecret(String setting) {
    return secrets.contains(setting);
  }

  /** What the operator has to set, with its purpose, by name. */
  public Map<String, String> needs() {
    return needs;
  }

  /** The names that clients have to use in place of earlier ones. */
  public Map<String, String> renamed() {
    return renamed;
  }

  public List<Note> notes() {
    return new ArrayList<>(notes);
  }

  public List<ImportedKey> keys() {
    return List.copyOf(keys.values());
  }

  void file(String path, String text) {
    files.put(path, text);
  }

  void setting(String name, String value) {
    settings.put(name, value);
  }

  void secret(String name, String value) {
    settings.put(name, value);
    secrets.add(name);
  }

  void need(String name, String purpose) {
    needs.putIfAbsent(name, purpose);
  }

  void rename(String earlier, String now) {
    renamed.putIfAbsent(earlier, now);
  }

  void note(String place, String what, String why) {
    notes.add(new Note(place, what, why));
  }

  void note(YamlValue value, String what, String why) {
    note(value.place(), what, why);
  }

  /** Adds a key, unless there is one with its hash. */
  void key(ImportedKey key) {
    keys.putIfAbsent(key.hash(), key);
  }
}
