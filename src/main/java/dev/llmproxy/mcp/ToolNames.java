package dev.llmproxy.mcp;

import dev.llmproxy.base.Sha256;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The names that models use for a server's tools: {@code <server>_<tool>}, in the characters and
 * the length that OpenAI allows. The names do not depend on the order of the tools.
 */
final class ToolNames {
  private static final Pattern OTHER = Pattern.compile("[^A-Za-z0-9_-]");
  private static final int MOST = 64;
  private static final int HASH = 8;

  private ToolNames() {}

  /** The name that models use, by the server's name for each tool. */
  static Map<String, String> of(String server, Collection<String> tools) {
    Map<String, String> names = new TreeMap<>();
    for (String tool : new TreeSet<>(tools)) {
      String whole = server + "_" + tool;
      String name = letters(whole);
      boolean taken = name.length() > MOST || names.containsValue(name);
      names.put(tool, taken ? marked(name, whole) : name);
    }
    return names;
  }

  /** Replaces each character that is not allowed with _. */
  static String letters(String name) {
    return OTHER.matcher(name).replaceAll("_");
  }

  private static String marked(String name, String whole) {
    String hash = Sha256.hex(whole).substring(0, HASH);
    return name.substring(0, Math.min(name.length(), MOST - HASH - 1)) + "_" + hash;
  }
}
