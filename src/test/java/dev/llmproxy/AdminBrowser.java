package dev.llmproxy;

import dev.llmproxy.admin.SignInMethod;
import dev.llmproxy.call.Person;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.Map;

/** A browser with a session of the management pages, as far as the admin API sees it. */
public final class AdminBrowser {
  /** The administrator of {@link #SETTINGS}. */
  public static final String ADMIN = "admin@example.com";

  /** Settings for a gateway with an administrator. */
  public static final Map<String, String> SETTINGS = Map.of("LLMPROXY_ADMINS", ADMIN);

  private final Gateway gateway;
  private final String token;
  private final String csrf;

  private AdminBrowser(Gateway gateway, String token) {
    this.gateway = gateway;
    this.token = token;
    csrf = Gateway.json(get("/admin/api/session")).path("csrf_token").asText();
  }

  /** The browser of a person who has just signed in by Google. */
  public static AdminBrowser signedIn(Gateway gateway, String email) {
    return new AdminBrowser(
        gateway,
        gateway
            .application()
            .admin()
            .sessions()
            .begin(new Person(email, null), SignInMethod.GOOGLE));
  }

  /** The browser with this value of the session's cookie. */
  public static AdminBrowser withToken(Gateway gateway, String token) {
    return new AdminBrowser(gateway, token);
  }

  public String token() {
    return token;
  }

  public String csrf() {
    return csrf;
  }

  public HttpResponse<String> get(String path) {
    return gateway.send(request(path).GET().build());
  }

  /** As a page of the server does it, with the session's token. */
  public HttpResponse<String> post(String path, String body) {
    return change("POST", path, body);
  }

  /** As {@link #post}, with another method. */
  public HttpResponse<String> change(String method, String path, String body) {
    return gateway.send(
        request(path)
            .header("X-CSRF-Token", csrf)
            .header("Origin", "http://127.0.0.1:" + gateway.port())
            .header("Sec-Fetch-Site", "same-origin")
            .method(method, BodyPublishers.ofString(body))
            .build());
  }

  /** A request with the cookie and nothing else. */
  public HttpRequest.Builder request(String path) {
    return gateway.request(path, null).header("Cookie", "llmproxy_session=" + token);
  }
}
