package dev.llmproxy.workbook;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.api.services.sheets.v4.SheetsScopes;
import com.google.auth.oauth2.GoogleCredentials;
import com.google.auth.oauth2.ServiceAccountCredentials;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** The server's Google account, from the JSON key file of the Cloud console. */
public final class ServiceAccount {
  /** The setting with the key file's path. */
  public static final String SETTING = "GOOGLE_APPLICATION_CREDENTIALS";

  private static final String MAKE_A_KEY =
      "make a JSON key for a service account (Cloud console: IAM & Admin > Service Accounts > Keys)";

  private final Path file;
  private final ServiceAccountCredentials credentials;

  private ServiceAccount(Path file, ServiceAccountCredentials credentials) {
    this.file = file;
    this.credentials = credentials;
  }

  /**
   * The account that the setting names. Does not call Google.
   *
   * @throws WorkbookException when the setting is missing, or the file is not the key of a service
   *     account; the message contains nothing of the key
   */
  public static ServiceAccount of(Settings settings) {
    return read(
        settings
            .find(SETTING)
            .map(Path::of)
            .orElseThrow(() ->
                new WorkbookException(
                    "GOOGLE_SHEETS_SPREADSHEET_ID is set but GOOGLE_APPLICATION_CREDENTIALS is not: set it to the"
                        + " JSON key file of a service account that the spreadsheet is shared with as Editor.")));
  }

  private static ServiceAccount read(Path file) {
    byte[] json;
    try {
      json = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw unusable(file, "is not there; check the path, or " + MAKE_A_KEY, e);
    } catch (IOException e) {
      throw unusable(
          file,
          "cannot be read (%s); it must be a file that the user who runs llmproxy may read"
              .formatted(e.getMessage()),
          e);
    }
    try {
      requireServiceAccount(file, Json.parse(json));
      return new ServiceAccount(
          file, ServiceAccountCredentials.fromStream(new ByteArrayInputStream(json)));
    } catch (JsonProcessingException e) {
      // The exception's message quotes the file.
      throw unusable(file, "is not JSON; " + MAKE_A_KEY, null);
    } catch (IOException | RuntimeException e) {
      if (e instanceof WorkbookException known) {
        throw known;
      }
      throw unusable(file, "is damaged; " + MAKE_A_KEY, e);
    }
  }

  private static void requireServiceAccount(Path file, JsonNode json) {
    if (json.has("installed") || json.has("web")) {
      throw unusable(
          file, "is the file of an OAuth client, not of a service account; " + MAKE_A_KEY, null);
    }
    String type = json.path("type").asText("");
    if (type.equals("authorized_user")) {
      throw unusable(
          file, "holds a person's credentials, not a service account's; " + MAKE_A_KEY, null);
    }
    if (!type.equals("service_account")) {
      throw unusable(
          file,
          "is not a service account's key: its type is \"%s\"; %s".formatted(type, MAKE_A_KEY),
          null);
    }
    for (String needed : List.of("client_email", "private_key", "private_key_id")) {
      if (json.path(needed).asText("").isBlank()) {
        throw unusable(file, "has no %s; %s".formatted(needed, MAKE_A_KEY), null);
      }
    }
  }

  private static WorkbookException unusable(Path file, String why, Exception cause) {
    return new WorkbookException("%s (%s) %s.".formatted(file, SETTING, why), cause);
  }

  /** The address to share a spreadsheet with. */
  public String email() {
    return credentials.getClientEmail();
  }

  /** The key file. */
  public Path file() {
    return file;
  }

  /** The token server's URL in the key file. */
  String tokenServer() {
    return credentials.getTokenServerUri().toString();
  }

  /** Credentials for spreadsheets only; the first call fetches a token. */
  GoogleCredentials credentials() {
    return credentials.createScoped(List.of(SheetsScopes.SPREADSHEETS));
  }
}
