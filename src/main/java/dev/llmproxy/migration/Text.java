package dev.llmproxy.migration;

/**
 * A text of another gateway's configuration.
 *
 * @param literal the text itself; null when it is in a variable
 * @param variable the environment variable that has it; null when it is literal
 */
record Text(String literal, String variable) {
  private static final String ENVIRONMENT = "os.environ/";

  static Text literal(String text) {
    return new Text(text, null);
  }

  static Text variable(String name) {
    return new Text(null, name);
  }

  /** LiteLLM's text, which may be {@code os.environ/NAME}; null for null and an empty text. */
  static Text of(String text) {
    if (text == null || text.isBlank()) {
      return null;
    }
    return text.startsWith(ENVIRONMENT)
        ? variable(text.substring(ENVIRONMENT.length()).strip())
        : literal(text.strip());
  }

  /** The text, or a reference to the setting of this name as provider files have it. */
  String reference() {
    return literal == null ? "{{" + variable + "}}" : literal;
  }
}
