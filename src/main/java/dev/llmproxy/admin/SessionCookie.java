package dev.llmproxy.admin;

import dev.llmproxy.http.Reply;
import java.time.Duration;
import java.util.Optional;

/** The cookies of the management pages. Scripts cannot read them, other sites do not send them. */
final class SessionCookie {
  private static final String SESSION = "llmproxy_session";
  private static final String SIGN_IN = "llmproxy_sign_in";

  private SessionCookie() {}

  /** The session's token; empty without one. */
  static Optional<String> of(Reply reply) {
    return read(reply, SESSION);
  }

  static void set(Reply reply, String token, boolean secure) {
    write(reply, SESSION, token, AdminSessions.LONGEST, secure);
  }

  static void remove(Reply reply, boolean secure) {
    write(reply, SESSION, "", Duration.ZERO, secure);
  }

  /** The token of a sign-in that waits for the OpenID provider's answer; empty without one. */
  static Optional<String> signIn(Reply reply) {
    return read(reply, SIGN_IN);
  }

  static void setSignIn(Reply reply, String token, Duration longest, boolean secure) {
    write(reply, SIGN_IN, token, longest, secure);
  }

  static void removeSignIn(Reply reply, boolean secure) {
    write(reply, SIGN_IN, "", Duration.ZERO, secure);
  }

  private static Optional<String> read(Reply reply, String name) {
    return reply.requestCookie(name).filter(value -> !value.isEmpty());
  }

  private static void write(
      Reply reply, String name, String value, Duration longest, boolean secure) {
    reply.cookie(
        "%s=%s; Path=/admin; HttpOnly; SameSite=Lax; Max-Age=%d%s"
            .formatted(name, value, longest.toSeconds(), secure ? "; Secure" : ""));
  }
}
