package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.ModelListing;
import dev.llmproxy.catalogue.ModelPages;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.error.ApiException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;

/** Asks providers for their lists of models. */
public final class ProviderClient implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final HttpClient client;

  public ProviderClient(Settings settings) {
    ForwardProxy proxy = new ForwardProxy(settings);
    client =
        HttpClient.newBuilder()
            .connectTimeout(PATIENCE)
            .proxy(proxy)
            .authenticator(proxy.authenticator())
            .build();
  }

  /**
   * The first page of the list.
   *
   * @throws IOException when the provider cannot be reached
   * @throws InterruptedException when the thread is interrupted
   */
  public HttpResponse<String> page(Provider provider) throws IOException, InterruptedException {
    return ask(new ModelPages(provider));
  }

  /**
   * The whole list.
   *
   * @throws IOException when the provider cannot be reached or does not answer with a list of
   *     models; the message is for people
   * @throws InterruptedException when the thread is interrupted
   */
  public List<ModelListing.Listed> models(Provider provider)
      throws IOException, InterruptedException {
    ModelPages pages = new ModelPages(provider);
    while (!pages.over()) {
      HttpResponse<String> answer = ask(pages);
      if (answer.statusCode() != 200) {
        throw new IOException("it answers with status " + answer.statusCode());
      }
      try {
        pages.take(Json.parse(answer.body()));
      } catch (JsonProcessingException e) {
        throw new IOException("its answer is not a list of models", e);
      } catch (IllegalArgumentException e) {
        throw new IOException(e.getMessage(), e);
      }
    }
    return pages.models();
  }

  private HttpResponse<String> ask(ModelPages pages) throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(pages.url())).timeout(PATIENCE);
    try {
      pages.provider().requestHeaders().forEach(request::header);
    } catch (ApiException e) {
      throw new IOException("its Google account gets no token", e);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  @Override
  public void close() {
    client.close();
  }
}
