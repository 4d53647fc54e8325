package dev.llmproxy.local;

import java.util.regex.Pattern;

/**
 * One message of a conversation.
 *
 * @param role {@code system}, {@code user} or {@code assistant}; {@code developer} means {@code
 *     system}. Other lower-case names are passed to the model, which was not trained on them
 * @param content the text; a control token of the model in it is plain text
 */
public record ChatMessage(String role, String content) {
  private static final Pattern ROLE = Pattern.compile("[a-z_]{1,32}");

  /**
   * @throws IllegalArgumentException when role or content is null, or the role is not a lower-case
   *     name
   */
  public ChatMessage {
    if (role == null || !ROLE.matcher(role).matches()) {
      throw new IllegalArgumentException("The role of a message must be a lower-case name.");
    }
    if (content == null) {
      throw new IllegalArgumentException("A message needs content; it may be empty.");
    }
    if (role.equals("developer")) {
      role = "system";
    }
  }
}
