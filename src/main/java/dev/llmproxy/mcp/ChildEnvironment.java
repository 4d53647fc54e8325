package dev.llmproxy.mcp;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The environment variables that MCP servers inherit: those that every program needs. Providers'
 * keys and other settings are not inherited.
 */
final class ChildEnvironment {
  private static final Set<String> NAMES =
      Set.of(
          "HOME",
          "LANG",
          "LC_ALL",
          "LC_CTYPE",
          "LOGNAME",
          "PATH",
          "SHELL",
          "TMPDIR",
          "TZ",
          "USER",
          // Most programs need these on Windows.
          "APPDATA",
          "COMSPEC",
          "HOMEDRIVE",
          "HOMEPATH",
          "LOCALAPPDATA",
          "PATHEXT",
          "PROGRAMDATA",
          "PROGRAMFILES",
          "SYSTEMDRIVE",
          "SYSTEMROOT",
          "TEMP",
          "TMP",
          "USERNAME",
          "USERPROFILE");

  private ChildEnvironment() {}

  /** The inherited variables of an environment, and the variables of an entry. */
  static Map<String, String> of(Map<String, String> environment, Map<String, String> added) {
    Map<String, String> passed = new TreeMap<>(environment);
    passed.keySet().removeIf(name -> !NAMES.contains(name.toUpperCase(Locale.ROOT)));
    passed.putAll(added);
    return passed;
  }
}
