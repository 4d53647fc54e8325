package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Reads a provider's own list of models page by page. One per reading. */
public final class ModelPages {
  /** OpenRouter has about a thousand models; a list that never ends is a provider's error. */
  private static final int MOST_PAGES = 100;

  private final Provider provider;
  private final List<ModelListing.Listed> models = new ArrayList<>();
  private String next = "";
  private int pages;
  private boolean over;

  public ModelPages(Provider provider) {
    this.provider = provider;
  }

  /** The provider whose list it is. */
  public Provider provider() {
    return provider;
  }

  /** The address of the next page. */
  public String url() {
    String url = provider.url(provider.modelList());
    return next.isEmpty() ? url : url + (url.contains("?") ? "&" : "?") + next;
  }

  /**
   * Takes the answer with the next page.
   *
   * @throws IllegalArgumentException when it is not a list of models, or the list does not end; the
   *     message continues "the provider: "
   */
  public void take(JsonNode page) {
    ModelListing listing;
    try {
      listing = ModelListing.of(page);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("its answer is not a list of models", e);
    }
    models.addAll(listing.models());
    next = listing.next();
    pages++;
    over = next.isEmpty();
    if (!over && pages == MOST_PAGES) {
      throw new IllegalArgumentException("its list does not end");
    }
  }

  /** Whether the list is complete. */
  public boolean over() {
    return over;
  }

  /** The models so far. */
  public List<ModelListing.Listed> models() {
    return List.copyOf(models);
  }
}
