package dev.llmproxy.mcp;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The variables of this process that every program finds itself in; providers' keys and the other
 * settings are not among them.
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
          // Windows; without them hardly anything starts there.
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

  /** Those of an environment that are passed on, and what an entry adds. */
  static Map<String, String> of(Map<String, String> environment, Map<String, String> added) {
    Map<String, String> passed = new TreeMap<>(environment);
    passed.keySet().removeIf(name -> !NAMES.contains(name.toUpperCase(Locale.ROOT)));
    passed.putAll(added);
    return passed;
  }
}
