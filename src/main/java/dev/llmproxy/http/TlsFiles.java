package dev.llmproxy.http;

import dev.llmproxy.base.Settings;
import dev.llmproxy.base.TlsSettings;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.KeyCertOptions;
import io.vertx.core.net.PemKeyCertOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import javax.net.ssl.X509ExtendedKeyManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate and key of the server. They are read again when their files have changed, and new
 * connections get the new certificate. Files that cannot be used, or do not belong together, change
 * nothing.
 */
public final class TlsFiles {
  private static final Logger LOG = LoggerFactory.getLogger(TlsFiles.class);
  private static final long LOOK_EVERY_MILLIS = 5_000;
  private static final Duration SOON = Duration.ofDays(14);
  private static final List<String> KEY_TYPES = List.of("RSA", "EC", "EdDSA");

  private final Path certificate;
  private final Path key;
  private final Vertx vertx;
  private final Clock clock;
  private final long everyMillis;
  private RenewedKeys keys;
  private volatile Content used;
  private volatile Content refused;

  /** What the two files contain. */
  private record Content(Buffer certificate, Buffer key) {
    static Content of(Path certificate, Path key) throws IOException {
      return new Content(
          Buffer.buffer(Files.readAllBytes(certificate)), Buffer.buffer(Files.readAllBytes(key)));
    }

    PemKeyCertOptions options() {
      return new PemKeyCertOptions().addCertValue(certificate).addKeyValue(key);
    }
  }

  /**
   * @param settings with both files
   * @param clock the time of day, for warnings about the certificate's end
   */
  public TlsFiles(TlsSettings settings, Vertx vertx, Clock clock) {
    this(settings, vertx, clock, LOOK_EVERY_MILLIS);
  }

  TlsFiles(TlsSettings settings, Vertx vertx, Clock clock, long everyMillis) {
    certificate = settings.certificate().orElseThrow();
    key = settings.key().orElseThrow();
    this.vertx = vertx;
    this.clock = clock;
    this.everyMillis = everyMillis;
  }

  /**
   * Makes a server speak TLS 1.2 and 1.3, with HTTP/1.1.
   *
   * @throws Settings.SettingException when the files cannot be used
   */
  public void apply(HttpServerOptions options) {
    try {
      Content content = Content.of(certificate, key);
      keys = new RenewedKeys(checked(content));
      used = content;
      options
          .setSsl(true)
          .setEnabledSecureTransportProtocols(Set.of("TLSv1.2", "TLSv1.3"))
          // Vert.x's own update of certificates drops connections that come at that moment.
          .setKeyCertOptions(KeyCertOptions.wrap(keys));
    } catch (Exception e) {
      throw new Settings.SettingException(
          "TLS_CERTIFICATE and TLS_KEY cannot be used: " + reason(e));
    }
  }

  /** Looks for changed files from now on, until Vert.x closes. */
  public void watch() {
    vertx.setPeriodic(
        everyMillis,
        tick -> {
          var unused = vertx.executeBlocking(this::look);
        });
  }

  /** Returns null. */
  private Void look() {
    Content now;
    try {
      now = Content.of(certificate, key);
    } catch (IOException e) {
      if (refused == null) {
        LOG.warn("The files of TLS cannot be read; the certificate stays: {}", reason(e));
        refused = used;
      }
      return null;
    }
    if (now.equals(used) || now.equals(refused)) {
      return null;
    }
    try {
      keys.renew(checked(now));
      used = now;
      refused = null;
      LOG.info("New connections get the new certificate of {}", certificate);
    } catch (Exception e) {
      // A renewal may have written one file of two. The next look finds both.
      refused = now;
      LOG.warn("The new files of TLS cannot be used; the certificate stays: {}", reason(e));
    }
    return null;
  }

  /**
   * The key manager of two files that belong together. With others, a client would see only a
   * failed handshake.
   */
  private X509ExtendedKeyManager checked(Content content) throws Exception {
    for (var manager : content.options().getKeyManagerFactory(vertx).getKeyManagers()) {
      if (manager instanceof X509ExtendedKeyManager found) {
        for (String type : KEY_TYPES) {
          String[] names = found.getServerAliases(type, null);
          if (names != null && names.length > 0) {
            X509Certificate first = found.getCertificateChain(names[0])[0];
            demandPair(first.getPublicKey(), found.getPrivateKey(names[0]));
            logEnd(first);
            return found;
          }
        }
      }
    }
    throw new GeneralSecurityException(
        "there is no certificate with an RSA, EC or EdDSA key in " + certificate);
  }

  private static void demandPair(PublicKey open, PrivateKey secret)
      throws GeneralSecurityException {
    String algorithm =
        switch (open.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> open.getAlgorithm();
        };
    byte[] text = {1, 2, 3};
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(secret);
    signature.update(text);
    byte[] signed = signature.sign();
    signature.initVerify(open);
    signature.update(text);
    if (!signature.verify(signed)) {
      throw new GeneralSecurityException("the key does not belong to the certificate");
    }
  }

  private void logEnd(X509Certificate first) {
    Instant end = first.getNotAfter().toInstant();
    if (end.isBefore(clock.instant().plus(SOON))) {
      LOG.warn("The certificate {} is valid until {} only", certificate, end);
    } else {
      LOG.info("The certificate {} is valid until {}", certificate, end);
    }
  }

  /** The message of a failure, without the content of a file. */
  private static String reason(Throwable failure) {
    return failure.getClass().getSimpleName() + ": " + failure.getMessage();
  }
}
