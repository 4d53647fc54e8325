package dev.llmproxy.catalogue;

import com.google.auth.oauth2.GoogleCredentials;
import com.google.auth.oauth2.ServiceAccountCredentials;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The access token of a Google service account, for Vertex AI. A token is valid for an hour; the
 * first request after that waits for the next one. Thread-safe.
 */
final class GoogleToken {
  private static final Logger LOG = LoggerFactory.getLogger(GoogleToken.class);
  private static final String SCOPE = "https://www.googleapis.com/auth/cloud-platform";

  private final GoogleCredentials account;

  private GoogleToken(GoogleCredentials account) {
    this.account = account;
  }

  /**
   * The account of a key file. Does not call Google.
   *
   * @param file the JSON key file of the Cloud console
   * @throws IOException when the file cannot be read or is not the key of a service account; the
   *     message may quote the file
   */
  static GoogleToken of(Path file) throws IOException {
    try (InputStream json = Files.newInputStream(file)) {
      return new GoogleToken(ServiceAccountCredentials.fromStream(json).createScoped(SCOPE));
    }
  }

  /**
   * The token, valid for some minutes at least.
   *
   * @param provider the name of the provider, for the error
   * @throws ApiException 502 when Google gives none
   */
  String value(String provider) {
    try {
      account.refreshIfExpired();
      return account.getAccessToken().getTokenValue();
    } catch (IOException e) {
      LOG.warn("Google gives no token for the provider `{}`: {}", provider, e.getMessage());
      throw OpenAiErrors.upstreamAuthentication(provider).asException();
    }
  }
}
