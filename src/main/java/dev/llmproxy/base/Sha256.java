package dev.llmproxy.base;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of texts, bytes, streams, and of data that arrives in pieces. Not thread-safe. */
public final class Sha256 {
  private static final int BUFFER_BYTES = 1 << 20;

  private final MessageDigest digest;

  /** Starts a digest without input. */
  public Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java runtime has SHA-256.", e);
    }
  }

  /** Lower-case hex of the digest of the text's UTF-8 bytes; 64 characters. */
  public static String hex(String text) {
    return hex(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Lower-case hex of the digest; 64 characters. */
  public static String hex(byte[] bytes) {
    return new Sha256().hexWith(bytes);
  }

  /** Lower-case hex of the digest of the rest of a stream. Does not close the stream. */
  public static String hex(InputStream stream) throws IOException {
    Sha256 whole = new Sha256();
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int read = stream.read(buffer); read >= 0; read = stream.read(buffer)) {
      whole.digest.update(buffer, 0, read);
    }
    return whole.hexWith(new byte[0]);
  }

  /** Adds the next piece. */
  public void add(byte[] piece) {
    digest.update(piece);
  }

  /** A stream whose bytes are added. */
  public OutputStream input() {
    return new DigestOutputStream(OutputStream.nullOutputStream(), digest);
  }

  /** Lower-case hex of the digest of all pieces and one more, which is not added; 64 characters. */
  public String hexWith(byte[] last) {
    try {
      return HexFormat.of().formatHex(((MessageDigest) digest.clone()).digest(last));
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("SHA-256 of every Java runtime can be cloned.", e);
    }
  }
}
