package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;

/** An answer without streaming. */
record Reply(int status, Map<String, String> headers, String body) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static Reply of(int status, String contentType, String body) {
    return new Reply(status, Map.of("content-type", contentType), body);
  }

  static Reply json(ObjectNode body) {
    return of(200, "application/json", body.toString());
  }

  static Reply error(int status, String code, String message) {
    ObjectNode body = JSON.createObjectNode();
    body.putObject("error")
        .put("message", message)
        .put("type", ErrorKind.of(status).type())
        .putNull("param")
        .put("code", code == null ? ErrorKind.of(status).code() : code);
    return of(status, "application/json", body.toString());
  }

  Reply with(String header, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(header, value);
    return new Reply(status, more, body);
  }

  private record ErrorKind(String type, String code) {
    static ErrorKind of(int status) {
      return switch (status) {
        case 401 -> new ErrorKind("invalid_request_error", "invalid_api_key");
        case 404 -> new ErrorKind("invalid_request_error", "model_not_found");
        case 429 -> new ErrorKind("requests", "rate_limit_exceeded");
        default -> new ErrorKind(status < 500 ? "invalid_request_error" : "server_error", null);
      };
    }
  }
}
