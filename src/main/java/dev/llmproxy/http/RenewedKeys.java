package dev.llmproxy.http;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;

/**
 * The server's certificate and key, which can be replaced while handshakes run. A handshake names
 * the key first and gets it later, so the names have a number, and the replaced key stays.
 */
final class RenewedKeys extends X509ExtendedKeyManager {
  private static final String MARK = "/";

  private volatile Numbered now;
  private volatile Numbered before;

  private record Numbered(long number, X509ExtendedKeyManager keys) {
    String named(String alias) {
      return alias == null ? null : number + MARK + alias;
    }

    boolean names(String alias) {
      return alias.startsWith(number + MARK);
    }

    String inner(String alias) {
      return alias.substring((number + MARK).length());
    }
  }

  RenewedKeys(X509ExtendedKeyManager first) {
    now = new Numbered(0, first);
    before = now;
  }

  /** New handshakes get these keys. */
  void renew(X509ExtendedKeyManager keys) {
    before = now;
    now = new Numbered(before.number + 1, keys);
  }

  private Numbered of(String alias) {
    Numbered newest = now;
    return newest.names(alias) ? newest : before;
  }

  @Override
  public String chooseEngineServerAlias(String type, Principal[] issuers, SSLEngine engine) {
    Numbered newest = now;
    return newest.named(newest.keys.chooseEngineServerAlias(type, issuers, engine));
  }

  @Override
  public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
    Numbered newest = now;
    return newest.named(newest.keys.chooseServerAlias(type, issuers, socket));
  }

  @Override
  public X509Certificate[] getCertificateChain(String alias) {
    Numbered numbered = of(alias);
    return numbered.keys.getCertificateChain(numbered.inner(alias));
  }

  @Override
  public PrivateKey getPrivateKey(String alias) {
    Numbered numbered = of(alias);
    return numbered.keys.getPrivateKey(numbered.inner(alias));
  }

  @Override
  public String[] getServerAliases(String type, Principal[] issuers) {
    Numbered newest = now;
    String[] names = newest.keys.getServerAliases(type, issuers);
    if (names == null) {
      return null;
    }
    String[] named = new String[names.length];
    for (int i = 0; i < names.length; i++) {
      named[i] = newest.named(names[i]);
    }
    return named;
  }

  /** A server has no key as a client. */
  @Override
  public String[] getClientAliases(String type, Principal[] issuers) {
    return null;
  }

  @Override
  public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
    return null;
  }
}
