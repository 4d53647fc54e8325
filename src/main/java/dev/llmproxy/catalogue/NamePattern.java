package dev.llmproxy.catalogue;

/** A pattern of names, where {@code *} stands for any characters. Immutable. */
final class NamePattern {
  private final String[] texts;

  NamePattern(String pattern) {
    texts = pattern.split("\\*", -1);
  }

  /** Whether the whole name fits. Case matters. */
  boolean matches(String name) {
    String last = texts[texts.length - 1];
    if (texts.length == 1) {
      return name.equals(last);
    }
    int at = name.startsWith(texts[0]) ? texts[0].length() : -1;
    for (int i = 1; i < texts.length - 1 && at >= 0; i++) {
      int found = name.indexOf(texts[i], at);
      at = found < 0 ? -1 : found + texts[i].length();
    }
    return at >= 0 && name.endsWith(last) && name.length() - last.length() >= at;
  }
}
