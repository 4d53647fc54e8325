package dev.llmproxy.provider;

import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.routing.SystemDefaultRoutePlanner;

/**
 * The forward proxies for requests to providers, from the settings {@code https_proxy}, {@code
 * http_proxy} and {@code no_proxy}, in lower or upper case. Requests to loopback addresses never
 * use a proxy.
 */
public final class ForwardProxy extends ProxySelector implements HttpClientConfigurer {
  private static final Pattern LOOPBACK =
      Pattern.compile("localhost|.*\\.localhost|127\\.\\d+\\.\\d+\\.\\d+|::1");

  /** The brackets around an IPv6 address, and the dot that ends an absolute name. */
  private static final Pattern EDGES = Pattern.compile("^\\[|]$|\\.$");

  private static final int HTTPS_PORT = 443;
  private static final int HTTP_PORT = 80;

  private final URI https;
  private final URI http;
  private final NoProxy direct;

  /**
   * @throws Settings.SettingException when the address of a proxy or an entry of {@code no_proxy}
   *     is invalid; the message contains no password
   */
  public ForwardProxy(Settings settings) {
    https = proxy(settings, "https_proxy");
    http = proxy(settings, "http_proxy");
    direct = new NoProxy(https == null && http == null ? "" : find(settings, "no_proxy"));
  }

  private static String find(Settings settings, String name) {
    return settings.find(name).or(() -> settings.find(name.toUpperCase(Locale.ROOT))).orElse("");
  }

  private static URI proxy(Settings settings, String name) {
    String text = find(settings, name);
    if (text.isEmpty()) {
      return null;
    }
    try {
      URI uri = new URI(text.contains("://") ? text : "http://" + text);
      if ("http".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // The exception below reports it.
    }
    throw new Settings.SettingException(
        name + " is no address of an HTTP proxy; it must be as http://proxy.example.com:3128");
  }

  @Override
  public List<Proxy> select(URI uri) {
    URI proxy = "https".equalsIgnoreCase(uri.getScheme()) ? https : http;
    if (proxy == null || uri.getHost() == null || isDirect(uri)) {
      return List.of(Proxy.NO_PROXY);
    }
    return List.of(
        new Proxy(
            Proxy.Type.HTTP, InetSocketAddress.createUnresolved(proxy.getHost(), port(proxy))));
  }

  private boolean isDirect(URI uri) {
    String host = EDGES.matcher(uri.getHost().toLowerCase(Locale.ROOT)).replaceAll("");
    return LOOPBACK.matcher(host).matches() || direct.exempts(host, port(uri));
  }

  private static int port(URI uri) {
    if (uri.getPort() >= 0) {
      return uri.getPort();
    }
    return "https".equalsIgnoreCase(uri.getScheme()) ? HTTPS_PORT : HTTP_PORT;
  }

  /** The proxies' user names and passwords, for {@link java.net.http.HttpClient}. */
  public Authenticator authenticator() {
    return new Authenticator() {
      @Override
      protected PasswordAuthentication getPasswordAuthentication() {
        if (getRequestorType() != RequestorType.PROXY) {
          return null;
        }
        for (URI proxy : Arrays.asList(https, http)) {
          if (proxy != null
              && proxy.getUserInfo() != null
              && proxy.getHost().equalsIgnoreCase(getRequestingHost())
              && port(proxy) == getRequestingPort()) {
            return new PasswordAuthentication(user(proxy), password(proxy));
          }
        }
        return null;
      }
    };
  }

  private static String user(URI proxy) {
    return proxy.getUserInfo().split(":", 2)[0];
  }

  private static char[] password(URI proxy) {
    String[] parts = proxy.getUserInfo().split(":", 2);
    return parts.length < 2 ? new char[0] : parts[1].toCharArray();
  }

  @Override
  public void connectFailed(URI uri, SocketAddress proxy, IOException failure) {
    // The caller gets the exception.
  }

  @Override
  public void configureHttpClient(HttpClientBuilder client) {
    List<URI> proxies = new ArrayList<>();
    for (URI proxy : Arrays.asList(https, http)) {
      if (proxy != null) {
        proxies.add(proxy);
      }
    }
    if (proxies.isEmpty()) {
      return;
    }
    client.setRoutePlanner(new SystemDefaultRoutePlanner(this));
    BasicCredentialsProvider credentials = new BasicCredentialsProvider();
    for (URI proxy : proxies) {
      if (proxy.getUserInfo() != null) {
        credentials.setCredentials(
            new AuthScope(proxy.getHost(), port(proxy)),
            new UsernamePasswordCredentials(user(proxy), password(proxy)));
      }
    }
    client.setDefaultCredentialsProvider(credentials);
  }
}
