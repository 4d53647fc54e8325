package dev.llmproxy.emulator;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.OutputStream;

/** Answers of a faulty provider that sends too much of something. */
public final class Flood {
  private static final int PIECE_BYTES = 64 << 10;
  private static final String STREAM = head("text/event-stream");
  private static final String JSON = head("application/json");

  private Flood() {}

  /** Endless headers. */
  public static PlayedProvider.Performance headers() {
    return endless("HTTP/1.1 200 OK\r\n", "X-More: and more of them\r\n");
  }

  /** One endless header. */
  public static PlayedProvider.Performance longHeader() {
    return endless("HTTP/1.1 200 OK\r\nX-Long: ", "and longer ");
  }

  /** Endless interim responses without a final response. */
  public static PlayedProvider.Performance interimAnswers() {
    return endless("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  }

  /** Endless empty lines before the status line. */
  public static PlayedProvider.Performance emptyLines() {
    return endless("", "\r\n");
  }

  /** An endless event stream of empty lines and comments. */
  public static PlayedProvider.Performance comments() {
    return endless(STREAM, ": still here" + " and here".repeat(50) + "\n\n");
  }

  /** An event stream with one endless line. */
  public static PlayedProvider.Performance longLine() {
    return endless(STREAM + event("it begins") + "data: {\"choices\":[", "{\"delta\":{}},");
  }

  /** An event stream with this number of characters in each event, until the peer leaves. */
  public static PlayedProvider.Performance events(int characters) {
    return endless(STREAM, event("x".repeat(characters)));
  }

  /** As {@link #events(int)}, but complete after this number of MB; 0 for a few events. */
  public static PlayedProvider.Performance events(int characters, int megabytes) {
    String end =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    return flood(STREAM, event("x".repeat(characters)), (long) megabytes << 20, end);
  }

  /** An endless completion without streaming. */
  public static PlayedProvider.Performance completion() {
    return endless(
        JSON + "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"", "and more ");
  }

  /** An endless JSON array of empty values, which take much more memory than bytes. */
  public static PlayedProvider.Performance emptyObjects() {
    return endless(JSON + "{\"x\":[{}", ",{}");
  }

  /** An endless list of embeddings. */
  public static PlayedProvider.Performance embeddings() {
    return endless(
        JSON + "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[0.1", ",0.0123456789");
  }

  private static String head(String contentType) {
    return "HTTP/1.1 200 OK\r\nContent-Type: " + contentType + "\r\n\r\n";
  }

  private static String event(String text) {
    return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}\n\n";
  }

  private static PlayedProvider.Performance endless(String start, String piece) {
    return flood(start, piece, Long.MAX_VALUE, "");
  }

  private static PlayedProvider.Performance flood(
      String start, String piece, long bytes, String end) {
    byte[] pieces = piece.repeat(Math.max(1, PIECE_BYTES / piece.length())).getBytes(US_ASCII);
    return out -> {
      out.write(start.getBytes(US_ASCII));
      write(out, pieces, bytes);
      out.write(end.getBytes(US_ASCII));
      return false;
    };
  }

  private static void write(OutputStream out, byte[] pieces, long bytes) throws IOException {
    long written = 0;
    do {
      out.write(pieces);
      written += pieces.length;
    } while (written < bytes);
  }
}
