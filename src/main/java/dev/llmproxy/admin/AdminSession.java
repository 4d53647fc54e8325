package dev.llmproxy.admin;

import dev.llmproxy.base.EmailAddress;
import java.time.Instant;

/**
 * A person who is signed in to the management pages.
 *
 * @param email the person's address, folded
 * @param role what the person may do, evaluated for this request
 * @param csrf the token that requests with changes must carry in {@code X-CSRF-Token}
 * @param method how the person signed in
 * @param expires when the session ends at the latest
 */
public record AdminSession(
    String email, Role role, String csrf, SignInMethod method, Instant expires) {
  /** The exchange property that holds it behind the gate. */
  public static final String PROPERTY = "admin";

  public boolean isAdministrator() {
    return role == Role.ADMIN;
  }

  /** Whether an address is the person's own. */
  public boolean owns(String owner) {
    return email.equals(EmailAddress.folded(owner));
  }

  /** Whether the person may see and manage what belongs to an address. */
  public boolean mayManage(String owner) {
    return isAdministrator() || owns(owner);
  }

  /** No token. */
  @Override
  public String toString() {
    return "AdminSession[%s, %s]".formatted(email, role);
  }
}
