package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.media.MediaAnswer;
import dev.llmproxy.media.MediaCall;
import dev.llmproxy.media.MediaRequest;
import dev.llmproxy.provider.ProviderHttp;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;

/**
 * The wire format {@code openai} for audio, images, moderations and reranking: passes the request
 * on with the provider's name of the model, and gives the answer as it arrives.
 */
public final class OpenAiMedia {
  private static final String UNKNOWN_TYPE = "application/octet-stream";

  /** Sets the message for the provider. A form is sent while it arrives. */
  public void prepare(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    MediaCall call = context.callAs(MediaCall.class);
    Target target = call.target();
    MediaRequest request = call.request();
    ObjectNode body = Json.object();
    body.setAll(request.body());
    body.put("model", target.upstreamModel());
    if (request.form() == null) {
      ProviderHttp.request(exchange, target.provider(), call.path(), "*/*", body);
      return;
    }
    if (!request.form().isWhole()) {
      call.attempts().forbidMore();
    }
    ProviderHttp.upload(
        exchange,
        target.provider(),
        call.path(),
        new Form(request, body, "llmproxy-" + call.requestId()));
  }

  /**
   * Returns the provider's answer, whose bytes have not been read.
   *
   * @throws dev.llmproxy.error.ApiException when the answer is an error
   */
  public MediaAnswer receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @Header("Retry-After") String retryAfter,
      @Header("Location") String location,
      @Header("Content-Type") String contentType,
      @Header("Content-Length") String length,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange)
      throws IOException {
    ProviderHttp.check(
        exchange, context.call().target().provider(), status, retryAfter, location, body, "input");
    return new MediaAnswer(
        body,
        contentType == null ? UNKNOWN_TYPE : contentType,
        length == null ? -1 : Long.parseLong(length));
  }

  /** A form as the body of a request. Its length is unknown until it has arrived. */
  private static final class Form extends AbstractHttpEntity {
    private final MediaRequest request;
    private final ObjectNode texts;
    private final String boundary;

    Form(MediaRequest request, ObjectNode texts, String boundary) {
      super(ContentType.MULTIPART_FORM_DATA.getMimeType() + "; boundary=" + boundary, null, true);
      this.request = request;
      this.texts = texts;
      this.boundary = boundary;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      request.form().writeTo(out, texts, boundary);
    }

    @Override
    public boolean isRepeatable() {
      return false;
    }

    @Override
    public boolean isStreaming() {
      return true;
    }

    @Override
    public long getContentLength() {
      return -1;
    }

    @Override
    public InputStream getContent() {
      throw new UnsupportedOperationException("The form is written, not read.");
    }

    @Override
    public void close() {
      // The call closes the form.
    }
  }
}
