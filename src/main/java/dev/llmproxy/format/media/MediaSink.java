package dev.llmproxy.format.media;

import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.Reply;
import dev.llmproxy.media.MediaAnswer;
import dev.llmproxy.media.MediaCall;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Writes a provider's answer to the client as it arrives, byte for byte. */
public final class MediaSink {
  private static final int BUFFER = 8 << 10;
  private static final String STREAM = "text/event-stream";

  /** Ends an event of which only a part has been sent. */
  private static final byte[] EVENT_END = "\n\n".getBytes(StandardCharsets.US_ASCII);

  /**
   * Writes the answer.
   *
   * @param answer a {@link MediaAnswer}, or a list with a {@link ChatEvent.Failed}
   */
  public void write(
      @Body Object answer,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange)
      throws IOException {
    Reply reply = context.answering(exchange);
    if (answer instanceof List<?> events && events.getFirst() instanceof ChatEvent.Failed failed) {
      fail(failed.error(), reply);
    } else {
      pass((MediaAnswer) answer, context.callAs(MediaCall.class), reply);
    }
  }

  private static void pass(MediaAnswer answer, MediaCall call, Reply reply) throws IOException {
    if (answer.isStream()) {
      reply.header("Cache-Control", "no-cache, no-transform");
      // Otherwise nginx buffers the stream and sends it in one piece.
      reply.header("X-Accel-Buffering", "no");
    }
    reply.beginBytes(answer.contentType(), answer.length());
    ReportedUsage usage = new ReportedUsage();
    InputStream passing = new Passing(answer.body(), reply);
    if (answer.isJson()) {
      usage.read(passing);
    }
    byte[] buffer = new byte[BUFFER];
    for (int read = passing.read(buffer); read >= 0; read = passing.read(buffer)) {
      if (answer.isStream()) {
        usage.add(buffer, read);
      }
    }
    call.succeed(usage.tokens());
    reply.end();
  }

  /** A client must not take the beginning of an answer for the whole. */
  private static void fail(ApiError error, Reply reply) {
    if (!reply.begun()) {
      reply.error(error);
    } else if (reply.answerType().startsWith(STREAM)) {
      reply.bytes(EVENT_END, 0, EVENT_END.length);
      reply.event("error", Json.bytes(error.toJson()));
      reply.end();
    } else {
      reply.breakOff();
    }
  }

  /** Writes to the client what is read. */
  private static final class Passing extends FilterInputStream {
    private final Reply reply;

    Passing(InputStream in, Reply reply) {
      super(in);
      this.reply = reply;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      int read = in.read(target, offset, length);
      if (read > 0) {
        reply.bytes(target, offset, read);
      }
      return read;
    }
  }
}
