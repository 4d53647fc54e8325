package dev.llmproxy.migration;

import dev.llmproxy.base.Sha256;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The first line of a file that an import writes. It has the hash of the rest, so that a file that
 * somebody has edited since is recognised.
 */
final class ImportedFile {
  private static final Pattern MARK =
      Pattern.compile(
          "# Imported from [^\n]* \\(docs/migration\\.md\\)\\. [^\n]*: ([0-9a-f]{64})\n(.*)",
          Pattern.DOTALL);

  private ImportedFile() {}

  /** The text with the first line. */
  static String marked(String source, String text) {
    return "# Imported from %s (docs/migration.md). An edited file is not replaced: %s\n%s"
        .formatted(source, Sha256.hex(text), text);
  }

  /** Whether an import has written the text, even if it was edited since. */
  static boolean isImported(String text) {
    return MARK.matcher(text).matches();
  }

  /** Whether an import has written the text as it is. */
  static boolean isUnedited(String text) {
    Matcher mark = MARK.matcher(text);
    return mark.matches() && mark.group(1).equals(Sha256.hex(mark.group(2)));
  }
}
