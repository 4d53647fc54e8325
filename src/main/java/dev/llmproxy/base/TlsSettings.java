package dev.llmproxy.base;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The server's own TLS. Both files are set, or none.
 *
 * @param certificate a PEM file with the server's certificate, and after it those of its issuers;
 *     empty without TLS
 * @param key a PEM file with the certificate's private key, without a password
 */
public record TlsSettings(Optional<Path> certificate, Optional<Path> key) {

  static TlsSettings read(SettingsReader in) {
    in.together("TLS_CERTIFICATE", "TLS_KEY");
    return new TlsSettings(in.optionalPath("TLS_CERTIFICATE"), in.optionalPath("TLS_KEY"));
  }

  /** Whether clients reach the server by https. */
  public boolean on() {
    return certificate.isPresent() && key.isPresent();
  }

  /** {@code https} or {@code http}. */
  public String scheme() {
    return on() ? "https" : "http";
  }
}
