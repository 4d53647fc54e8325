package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ModelListSettings;
import dev.llmproxy.catalogue.ModelListing.Listed;
import dev.llmproxy.catalogue.ModelPages;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.http.LiveBody;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;
import org.apache.camel.Message;
import org.apache.camel.component.http.HttpMethods;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of the routes {@code models-refresh} and {@code models-list}: reads the providers' own
 * lists of models into the catalogue. A list that cannot be read stays as it was. Thread-safe.
 */
public final class LiveModels {
  private static final Logger LOG = LoggerFactory.getLogger(LiveModels.class);
  private static final String PAGES = "pages";
  private static final int MOST_BYTES = 16 << 20;

  /** A provider that was found is off again after so many readings without an answer. */
  private static final int MOST_MISSED = 3;

  /** The statuses of servers without a list. */
  private static final Set<Integer> NO_LIST = Set.of(404, 405, 501);

  private final ModelListSettings settings;
  private final ProviderCatalogue catalogue;
  private final ModelListFile file;
  private final Map<String, List<Listed>> lists = new ConcurrentHashMap<>();
  private final Set<String> withoutList = ConcurrentHashMap.newKeySet();
  private final Map<String, String> failing = new ConcurrentHashMap<>();
  private final Map<String, Integer> missed = new ConcurrentHashMap<>();
  private final Map<String, Reading> readings = new ConcurrentHashMap<>();
  private final Clock clock;
  private final AtomicBoolean changed = new AtomicBoolean();

  /**
   * What is known of a provider's own list.
   *
   * @param readAt when it was read last; null when it has not been read since the start
   * @param models the number of its models, which may be stored from before the start
   * @param problem why the last reading failed, for people; null when it did not
   * @param failedAt when it failed; null when it did not
   */
  public record Reading(Instant readAt, int models, String problem, Instant failedAt) {}

  /**
   * Gives the catalogue the lists that were read before the last stop.
   *
   * @param data the data folder
   * @param clock gives the times of readings
   */
  public LiveModels(
      ModelListSettings settings, ProviderCatalogue catalogue, Path data, Clock clock) {
    this.settings = settings;
    this.catalogue = catalogue;
    this.clock = clock;
    file = new ModelListFile(data);
    if (settings.on()) {
      List<Provider> configured =
          catalogue.withLists().stream()
              .filter(provider -> !catalogue.mayBeFound(provider.name()))
              .toList();
      lists.putAll(file.read(configured));
      lists.forEach(catalogue::setLive);
      lists.forEach((name, list) -> readings.put(name, new Reading(null, list.size(), null, null)));
    }
  }

  /** Takes over what is known of the lists of providers that the catalogue has. */
  public void take(LiveModels other) {
    for (Provider provider : catalogue.providers()) {
      String name = provider.name();
      if (other.readings.containsKey(name)) {
        readings.put(name, other.readings.get(name));
      }
      if (other.failing.containsKey(name)) {
        failing.put(name, other.failing.get(name));
      }
    }
  }

  /** What is known of a provider's own list; empty when nobody has tried to read it. */
  public Optional<Reading> reading(String provider) {
    return Optional.ofNullable(readings.get(provider));
  }

  /** Whether lists are read. */
  public boolean isOn() {
    return settings.on();
  }

  /** The readings of one round, one for each provider. */
  public List<ModelPages> readings() {
    return catalogue.withLists().stream()
        .filter(provider -> !withoutList.contains(provider.name()))
        .filter(provider -> settings.find() || !catalogue.mayBeFound(provider.name()))
        .map(ModelPages::new)
        .toList();
  }

  /** Begins a reading. */
  public void begin(@Body ModelPages pages, Exchange exchange) {
    exchange.setProperty(PAGES, pages);
  }

  /** Whether another page follows. */
  public boolean goesOn(@ExchangeProperty(PAGES) ModelPages pages) {
    return !pages.over();
  }

  /** Sets the message that asks for the next page. */
  public void prepare(@ExchangeProperty(PAGES) ModelPages pages, Exchange exchange) {
    Message message = exchange.getMessage();
    message.removeHeaders("*");
    message.setBody(null);
    message.setHeader(Exchange.HTTP_METHOD, HttpMethods.GET);
    message.setHeader(Exchange.HTTP_URI, pages.url());
    message.setHeader("Accept", "application/json");
    pages.provider().requestHeaders().forEach(message::setHeader);
  }

  /**
   * Takes a page.
   *
   * @throws IOException when the answer is not a page of a list of models; its message is for
   *     people
   */
  public void receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @ExchangeProperty(PAGES) ModelPages pages,
      Exchange exchange)
      throws IOException {
    LiveBody.own(exchange);
    try {
      if (NO_LIST.contains(status)) {
        withoutList.add(pages.provider().name());
      }
      if (status != 200 || body == null) {
        throw new IOException("it answers with status " + status);
      }
      byte[] page = body.readNBytes(MOST_BYTES + 1);
      if (page.length > MOST_BYTES) {
        throw new IOException("its list has more than 16 MB");
      }
      pages.take(Json.parse(page));
      LiveBody.finish(body);
    } catch (JsonProcessingException e) {
      throw new IOException("its answer is not JSON", e);
    } finally {
      LiveBody.abort(body);
    }
  }

  /** Gives the catalogue the complete list. */
  public void accept(@ExchangeProperty(PAGES) ModelPages pages) {
    String name = pages.provider().name();
    if (failing.remove(name) != null && !catalogue.mayBeFound(name)) {
      LOG.info("The model list of the provider `{}` can be read again", name);
    }
    missed.remove(name);
    readings.put(name, new Reading(clock.instant(), pages.models().size(), null, null));
    if (catalogue.mayBeFound(name)) {
      if (catalogue.setFound(name, true)) {
        LOG.info(
            "{} runs on this machine: its models ({}) are {}/<name>. {} sets another address, FIND_LOCAL_PROVIDERS=off stops"
                + " the search.",
            pages.provider().label(),
            pages.models().size(),
            name,
            pages.provider().setting("BASE_URL"));
      }
      catalogue.setLive(name, pages.models());
    } else {
      lists.put(name, pages.models());
      if (catalogue.setLive(name, pages.models())) {
        changed.set(true);
      }
    }
  }

  /** Notes a reading that has failed. Logs each new reason once. */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure,
      @ExchangeProperty(PAGES) ModelPages pages) {
    Provider provider = pages.provider();
    String name = provider.name();
    if (catalogue.mayBeFound(name)) {
      if (missed.merge(name, 1, Integer::sum) >= MOST_MISSED && catalogue.setFound(name, false)) {
        LOG.info("{} no longer runs on this machine", provider.label());
        readings.remove(name);
      }
      return;
    }
    String reason = provider.masked(reason(failure));
    Reading before = readings.getOrDefault(name, new Reading(null, 0, null, null));
    readings.put(name, new Reading(before.readAt(), before.models(), reason, clock.instant()));
    if (withoutList.contains(name)) {
      LOG.info(
          "The provider `{}` has no list of models at {}; those of its file are listed",
          name,
          URI.create(pages.url()).getPath());
      return;
    }
    if (!reason.equals(failing.put(name, reason))) {
      LOG.warn(
          "The model list of the provider `{}` cannot be read and stays as it was: {}",
          name,
          reason);
    }
  }

  private static String reason(Exception failure) {
    Throwable root = Causes.root(failure);
    boolean own =
        (failure instanceof IOException || failure instanceof IllegalArgumentException)
            && failure.getMessage() != null
            && failure.getMessage().startsWith("it");
    return own
        ? failure.getMessage()
        : "it cannot be reached (" + root.getClass().getSimpleName() + ")";
  }

  /** Stores the lists when one of them has changed in this round. */
  public void save() {
    if (changed.getAndSet(false)) {
      file.write(catalogue.withLists(), lists);
    }
  }
}
