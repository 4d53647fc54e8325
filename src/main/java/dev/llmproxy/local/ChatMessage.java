package dev.llmproxy.local;

import java.util.regex.Pattern;

/**
 * One message of a conversation.
 *
 * @param role {@code system}, {@code user} or {@code assistant}; {@code developer} means {@code
 *     system}. Other names in lower case reach the model as they are, though it was not trained on
 *     them
 * @param content the text; what looks like a control token of the model in it is plain text
 */
public record ChatMessage(String role, String content) {
  private static final Pattern ROLE = Pattern.compile("[a-z_]{1,32}");

  /**
   * @throws IllegalArgumentException when a part is missing or the role is no name in lower case
   */
  public ChatMessage {
    if (role == null || !ROLE.matcher(role).matches()) {
      throw new IllegalArgumentException("The role of a message must be a name in lower case.");
    }
    if (content == null) {
      throw new IllegalArgumentException("A message needs a content, if only an empty one.");
    }
    if (role.equals("developer")) {
      role = "system";
    }
  }
}
