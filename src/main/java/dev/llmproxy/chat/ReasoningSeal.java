package dev.llmproxy.chat;

import dev.llmproxy.base.DataFolder;
import dev.llmproxy.base.PrivateFile;
import dev.llmproxy.call.Caller;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.function.UnaryOperator;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Seals the reasoning of a model, so that a client can send it back with its next request and
 * cannot read or change it: AES-256-GCM under a secret of this server, bound to the caller's key
 * and to the model. The secret is in a file of the data folder, so that a restart keeps it, and in
 * a ledger that several servers share.
 */
public final class ReasoningSeal {
  private static final Logger LOG = LoggerFactory.getLogger(ReasoningSeal.class);
  private static final String FILE = "reasoning.secret";
  private static final int SECRET_BYTES = 32;
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;
  private static final String CIPHER = "AES/GCM/NoPadding";

  /** Marks what a server of this kind has sealed; its length is a multiple of three for Base64. */
  private static final byte[] MARK = "llmpx1".getBytes(StandardCharsets.US_ASCII);

  private static final String MARK_IN_BASE64 = Base64.getEncoder().encodeToString(MARK);

  private final SecretKey secret;
  private final SecureRandom random = new SecureRandom();

  /** A seal with a secret of 32 bytes. */
  public ReasoningSeal(byte[] secret) {
    this.secret = new SecretKeySpec(secret, "AES");
  }

  /**
   * A seal with the secret of the data folder, which is created when it is absent.
   *
   * @throws IOException when the secret cannot be read or written
   */
  public static ReasoningSeal of(Path dataFolder) throws IOException {
    return of(dataFolder, UnaryOperator.identity());
  }

  /**
   * A seal with the secret of all servers that share a ledger, of which the data folder has a copy.
   *
   * @param agree gives the secret of all servers, Base64, for this server's own one
   * @throws IOException when the secret cannot be read or written
   */
  public static ReasoningSeal of(Path dataFolder, UnaryOperator<String> agree) throws IOException {
    Path file = dataFolder.resolve(FILE);
    byte[] own = new byte[SECRET_BYTES];
    boolean known = false;
    if (Files.exists(file)) {
      byte[] stored = decoded(Files.readString(file).strip());
      known = stored.length == SECRET_BYTES;
      if (known) {
        own = stored;
      } else {
        LOG.warn("The file {} holds no secret of this server. It is replaced.", file);
      }
    }
    if (!known) {
      new SecureRandom().nextBytes(own);
    }
    byte[] agreed = decoded(agree.apply(Base64.getEncoder().encodeToString(own)));
    if (agreed.length != SECRET_BYTES) {
      throw new IOException("The servers' common secret is damaged.");
    }
    if (!known || !Arrays.equals(own, agreed)) {
      DataFolder.make(dataFolder);
      PrivateFile.write(file, Base64.getEncoder().encodeToString(agreed) + "\n");
    }
    return new ReasoningSeal(agreed);
  }

  /**
   * Seals a text.
   *
   * @param model the model's name as the client asked for it
   * @return Base64 without characters that need an escape in JSON
   */
  public String seal(Caller caller, String model, String text) {
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    try {
      byte[] sealed =
          cipher(Cipher.ENCRYPT_MODE, nonce, caller, model)
              .doFinal(text.getBytes(StandardCharsets.UTF_8));
      ByteBuffer all = ByteBuffer.allocate(MARK.length + NONCE_BYTES + sealed.length);
      return Base64.getEncoder().encodeToString(all.put(MARK).put(nonce).put(sealed).array());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Java has no AES-GCM", e);
    }
  }

  /** Whether a server of this kind has sealed a text, for any caller and model. */
  public static boolean isSealed(String text) {
    return text.startsWith(MARK_IN_BASE64);
  }

  /**
   * The sealed text; empty for anything that {@link #seal} has not made for this caller and model.
   */
  public Optional<String> open(Caller caller, String model, String sealed) {
    byte[] all = isSealed(sealed) ? decoded(sealed) : new byte[0];
    int begin = MARK.length + NONCE_BYTES;
    if (all.length <= begin) {
      return Optional.empty();
    }
    byte[] nonce = Arrays.copyOfRange(all, MARK.length, begin);
    try {
      byte[] text =
          cipher(Cipher.DECRYPT_MODE, nonce, caller, model).doFinal(all, begin, all.length - begin);
      return Optional.of(new String(text, StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      return Optional.empty();
    }
  }

  private Cipher cipher(int mode, byte[] nonce, Caller caller, String model)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance(CIPHER);
    cipher.init(mode, secret, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD((caller.keyHash() + "\n" + model).getBytes(StandardCharsets.UTF_8));
    return cipher;
  }

  private static byte[] decoded(String base64) {
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      return new byte[0];
    }
  }
}
