package dev.llmproxy.workbook;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import com.google.api.client.http.HttpResponseException;
import com.google.auth.Retryable;
import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The meaning of a failed call to Google, and its remedy. Most errors share a status, so the text
 * of Google's error distinguishes them.
 */
final class GoogleProblem {
  private static final Pattern CONSOLE_LINK =
      Pattern.compile("https://console\\.(?:developers|cloud)\\.google\\.com/[^\\s\"]+");

  private final ServiceAccount account;
  private final String spreadsheetId;

  /**
   * @param spreadsheetId the spreadsheet of the call; null when the call was to create one
   */
  GoogleProblem(ServiceAccount account, String spreadsheetId) {
    this.account = account;
    this.spreadsheetId = spreadsheetId;
  }

  /** One or two sentences for an operator, without secrets. */
  String explain(Throwable failure) {
    boolean fetchingToken = false;
    for (Throwable t : Causes.of(failure)) {
      if (t instanceof GoogleJsonResponseException answer) {
        return refused(answer);
      }
      fetchingToken |= t instanceof Retryable;
      if (t instanceof HttpResponseException answer) {
        return fetchingToken ? tokenRefused(answer) : failed(answer.getStatusCode());
      }
    }
    return unreachable(failure, fetchingToken);
  }

  private String refused(GoogleJsonResponseException answer) {
    String message =
        answer.getDetails() == null || answer.getDetails().getMessage() == null
            ? String.valueOf(answer.getStatusMessage())
            : answer.getDetails().getMessage();
    int status = answer.getStatusCode();
    return switch (status) {
      case 400 -> invalid(message);
      case 401 ->
          "Google does not accept this server's token any more (401): the key or the service account %s has been deleted or disabled; make a new key and set %s to it."
              .formatted(account.email(), ServiceAccount.SETTING);
      case 403 -> forbidden(message, answer.getContent());
      case 404 ->
          "Google has no spreadsheet %s (404): set GOOGLE_SHEETS_SPREADSHEET_ID to the part between /d/ and /edit of the spreadsheet's URL."
              .formatted(spreadsheetId);
      case 429 ->
          "Google's quota for this minute is used up (429: %s). llmproxy tries again by itself. If this lasts, stop other programs that use the service account, or raise KEYS_REFRESH_SECONDS and USAGE_FLUSH_SECONDS."
              .formatted(message);
      default -> status >= 500 ? failed(status) : otherError(status, message);
    };
  }

  private String invalid(String message) {
    if (message.contains("not supported for this document")) {
      return "%s is not a Google spreadsheet but, for example, an uploaded Excel file (400: %s): open it, choose File > Save as Google Sheets, and use the id of the new file."
          .formatted(spreadsheetId, message);
    }
    if (message.contains("protected cell or object")) {
      return "The spreadsheet has protected cells (400: %s): let %s edit them (Data > Protect sheets and ranges), or remove the protection."
          .formatted(message, account.email());
    }
    if (message.contains("above the limit of")) {
      return "The spreadsheet is full (400: %s): delete rows of old usage, or use a new spreadsheet."
          .formatted(message);
    }
    return otherError(400, message);
  }

  private String forbidden(String message, String body) {
    if (containsReason(body, "SERVICE_DISABLED", "accessNotConfigured")
        || message.contains("before or it is disabled")) {
      return "The Google Sheets API is not enabled in the service account's project (403): open %s, press Enable, and wait a few minutes."
          .formatted(
              link(message, body)
                  .orElse("https://console.cloud.google.com/apis/library/sheets.googleapis.com"));
    }
    if (containsReason(body, "BILLING_DISABLED") || message.contains("billing to be enabled")) {
      return "The service account's project needs a billing account (403: %s): open %s."
          .formatted(
              message, link(message, body).orElse("https://console.cloud.google.com/billing"));
    }
    boolean permission = message.contains("does not have permission");
    if (spreadsheetId == null && (permission || message.contains("quota"))) {
      return "Google does not let the service account %s create a spreadsheet (403: %s), because service accounts have no storage of their own: create one yourself at https://sheets.new, share it with that address as Editor, and set GOOGLE_SHEETS_SPREADSHEET_ID to its id."
          .formatted(account.email(), message);
    }
    if (permission) {
      return "The spreadsheet is not shared with the service account (403): open %s, press Share, and add %s as Editor."
          .formatted(SpreadsheetId.address(spreadsheetId), account.email());
    }
    return otherError(403, message);
  }

  private String tokenRefused(HttpResponseException answer) {
    JsonNode body = json(answer.getContent());
    String error = body.path("error").asText("");
    String message = body.path("error_description").asText(error);
    if (message.contains("Invalid JWT Signature")) {
      return "Google does not know the key in %s (%s: %s): the key has been deleted or disabled, or has expired. Make a new key for %s and store it in that file."
          .formatted(account.file(), error, message, account.email());
    }
    if (message.contains("short-lived token")) {
      return "This machine's clock is wrong: it shows %s UTC%s (%s: %s). Set it, for example with timedatectl set-ntp true."
          .formatted(Instant.now(), googleTime(answer), error, message);
    }
    if (message.contains("account not found")) {
      return "Google has no service account %s (%s: %s): it has been deleted. Make a new one with a key, share the spreadsheet with it as Editor, and set %s."
          .formatted(account.email(), error, message, ServiceAccount.SETTING);
    }
    if (answer.getStatusCode() == 401) {
      // The message is lost: Java's client drops the body of a 401 to a POST.
      return "Google gives no token for the service account %s (401): it has been deleted or disabled. Enable it in the Cloud console under IAM & Admin > Service Accounts, or make a new one with a key and set %s."
          .formatted(account.email(), ServiceAccount.SETTING);
    }
    return answer.getStatusCode() >= 500
        ? failed(answer.getStatusCode())
        : "Google gives no token for %s (%d %s); make a new key and set %s to it."
            .formatted(account.email(), answer.getStatusCode(), message, ServiceAccount.SETTING);
  }

  private static String googleTime(HttpResponseException answer) {
    String date = answer.getHeaders() == null ? null : answer.getHeaders().getDate();
    return date == null ? "" : "; Google's clock says " + date;
  }

  private String unreachable(Throwable failure, boolean fetchingToken) {
    Throwable last = Causes.root(failure);
    if (!(last instanceof IOException)) {
      return String.valueOf(failure.getMessage());
    }
    String what =
        fetchingToken
            ? "Google's token server " + account.tokenServer()
            : "Google's Sheets server sheets.googleapis.com";
    String why =
        last instanceof UnknownHostException
            ? "its name cannot be resolved"
            : String.valueOf(last.getMessage());
    return "%s cannot be reached (%s). Check that this machine is online and that no firewall or proxy blocks the connection. llmproxy tries again by itself."
        .formatted(what, why);
  }

  private static String failed(int status) {
    return "Google's servers have failed (%d). You need not do anything: llmproxy tries again by itself."
        .formatted(status);
  }

  private static String otherError(int status, String message) {
    return "Google refuses (%d): %s".formatted(status, message);
  }

  private static boolean containsReason(String body, String... reasons) {
    for (String reason : reasons) {
      if (body != null && body.contains('"' + reason + '"')) {
        return true;
      }
    }
    return false;
  }

  private static Optional<String> link(String message, String body) {
    Matcher found = CONSOLE_LINK.matcher(message + " " + body);
    return found.find() ? Optional.of(found.group()) : Optional.empty();
  }

  private static JsonNode json(String text) {
    try {
      return text == null ? Json.object() : Json.parse(text);
    } catch (JsonProcessingException e) {
      return Json.object();
    }
  }
}
