package dev.llmproxy.callback;

import dev.llmproxy.base.Settings;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * Signs webhooks with HMAC-SHA256 as <a
 * href="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md">Standard
 * Webhooks</a> says, so that receivers can use its libraries. Thread-safe.
 */
public final class WebhookSignature {
  /** The header with the id of the message, from which the signature is computed. */
  public static final String ID = "webhook-id";

  private static final String ALGORITHM = "HmacSHA256";
  private static final String PREFIX = "whsec_";
  private static final int LEAST_BYTES = 24;

  private final SecretKeySpec key;
  private final Clock clock;

  /**
   * @param secret {@code whsec_} and at least 24 bytes in base64
   * @throws Settings.SettingException when it is something else
   */
  public WebhookSignature(String secret, Clock clock) {
    this.clock = clock;
    byte[] bytes = null;
    if (secret.startsWith(PREFIX)) {
      try {
        bytes = Base64.getDecoder().decode(secret.substring(PREFIX.length()));
      } catch (IllegalArgumentException e) {
        // Refused below.
      }
    }
    if (bytes == null || bytes.length < LEAST_BYTES) {
      throw new Settings.SettingException(
          "CALLBACK_WEBHOOK_SECRET must be whsec_ and at least %d random bytes in base64: echo whsec_$(openssl rand -base64 32)"
              .formatted(LEAST_BYTES));
    }
    key = new SecretKeySpec(bytes, ALGORITHM);
  }

  /** Sets the headers of the time and of the signature; the body and the id are set already. */
  public void sign(Exchange exchange) {
    Message message = exchange.getMessage();
    String id = message.getHeader(ID, String.class);
    String timestamp = Long.toString(clock.instant().getEpochSecond());
    message.setHeader("webhook-timestamp", timestamp);
    message.setHeader("webhook-signature", signature(id, timestamp, message.getBody(String.class)));
  }

  /** The signature of a message: {@code v1,} and the digest in base64. */
  String signature(String id, String timestamp, String body) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      byte[] digest =
          mac.doFinal((id + "." + timestamp + "." + body).getBytes(StandardCharsets.UTF_8));
      return "v1," + Base64.getEncoder().encodeToString(digest);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
