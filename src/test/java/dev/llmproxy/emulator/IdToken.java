package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A builder for JSON Web Tokens, signed with the JDK's classes, so that tests can create invalid
 * tokens.
 */
public final class IdToken {
  private final ObjectNode header;
  private final ObjectNode claims;

  IdToken(ObjectNode header, ObjectNode claims) {
    this.header = header;
    this.claims = claims;
  }

  /** Sets a field of the header. */
  public IdToken header(String name, String value) {
    header.put(name, value);
    return this;
  }

  /** Removes a field of the header. */
  public IdToken withoutHeader(String name) {
    header.remove(name);
    return this;
  }

  /** Sets a claim. */
  public IdToken claim(String name, JsonNode value) {
    claims.set(name, value);
    return this;
  }

  /** Sets a claim to a text. */
  public IdToken claim(String name, String value) {
    claims.put(name, value);
    return this;
  }

  /** Sets a claim to a number of seconds since 1970. */
  public IdToken claim(String name, long seconds) {
    claims.put(name, seconds);
    return this;
  }

  /** Removes a claim. */
  public IdToken without(String name) {
    claims.remove(name);
    return this;
  }

  /** The token with an RS512 signature if the header says so, otherwise with an RS256 signature. */
  public String signed(PrivateKey key) {
    try {
      boolean longer = header.path("alg").asText().equals("RS512");
      Signature signature = Signature.getInstance(longer ? "SHA512withRSA" : "SHA256withRSA");
      signature.initSign(key);
      signature.update(content().getBytes(StandardCharsets.US_ASCII));
      return content() + "." + base64(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The token with an HS256 signature, whatever its header says. */
  public String signed(byte[] secret) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret, "HmacSHA256"));
      return content() + "." + base64(mac.doFinal(content().getBytes(StandardCharsets.US_ASCII)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The token with an empty signature. */
  public String unsigned() {
    return content() + ".";
  }

  private String content() {
    return base64(Json.bytes(header)) + "." + base64(Json.bytes(claims));
  }

  static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
