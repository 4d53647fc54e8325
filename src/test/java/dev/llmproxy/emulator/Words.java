package dev.llmproxy.emulator;

import java.util.List;
import java.util.regex.Pattern;

/** The scripted provider's tokens are words. */
final class Words {
  private static final Pattern BEFORE_EACH_GAP = Pattern.compile("(?<=\\S)(?=\\s)");

  private Words() {}

  /** Cuts before each gap, so that the pieces joined give the text again. */
  static List<String> of(String text) {
    return BEFORE_EACH_GAP.splitAsStream(text).toList();
  }

  static int count(String text) {
    return text.isBlank() ? 0 : of(text.strip()).size();
  }
}
