package dev.llmproxy.media;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Chain;
import dev.llmproxy.catalogue.MediaEndpoint;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.error.ApiException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.support.SynchronizationAdapter;

/** Creates the {@link MediaCall} of a request. */
public final class MediaCalls {
  private final ProviderCatalogue providers;

  public MediaCalls(ProviderCatalogue providers) {
    this.providers = providers;
  }

  /**
   * Reads a request: JSON, or the beginning of a form.
   *
   * @param body bytes or a stream; null for none
   * @param endpoint as {@link MediaEndpoint#path}
   * @throws ApiException 400 for an invalid request
   */
  public MediaRequest request(
      @Body Object body,
      @ExchangeProperty("endpoint") String endpoint,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange)
      throws IOException {
    MediaEndpoint of = MediaEndpoint.of(endpoint);
    if (context.hasForm() && body instanceof InputStream upload) {
      MultipartForm form = MultipartForm.read(upload, context.reply().requestType());
      // The request may be refused before it becomes a call.
      exchange
          .getExchangeExtension()
          .addOnCompletion(
              new SynchronizationAdapter() {
                @Override
                public void onDone(Exchange done) {
                  form.close();
                }
              });
      return new MediaRequest(of, named(new RequestBody(form.texts())), form);
    }
    return new MediaRequest(
        of, named(RequestBody.parse(exchange.getMessage().getBody(byte[].class))), null);
  }

  private static ObjectNode named(RequestBody body) {
    body.model();
    return body.json();
  }

  /**
   * Creates the call of a request, and sets it in the request context.
   *
   * @throws ApiException 403 for a model that the key may not use, 404 for an unknown one and for
   *     one whose provider does not have the endpoint
   */
  public MediaCall call(
      @ExchangeProperty("request") MediaRequest request,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    context.takeHeaders(exchange);
    Chain chain = context.caller().allowed(request.model(), providers.chain(request.model()));
    MediaCall call =
        new MediaCall(
            context.requestId(), context.caller(), request, new Attempts(chain), context.started());
    context.setCall(call);
    if (call.attempts().possible().stream().noneMatch(request::has)) {
      // Throws, and names the provider.
      call.path();
    }
    return call;
  }

  /** Whether the request is for one of these endpoints. */
  public boolean asked(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return context.call() instanceof MediaCall;
  }
}
