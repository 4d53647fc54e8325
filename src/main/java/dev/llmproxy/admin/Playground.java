package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.format.openai.ModelList;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.tool.Tool;
import dev.llmproxy.tool.ToolCatalogue;
import java.util.List;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Chats of people who are signed in to the management pages, in the name of one of their own keys.
 * The key itself is not needed: the server knows its hash alone. Administrators cannot use the keys
 * of others either, because a chat counts against the limits of its key; but they may chat without
 * a key, with the limits of the tier free.
 */
public final class Playground {
  private static final String KEY = "key_id";

  /** In place of the id of a key: a chat without a key. */
  private static final String NONE = "none";

  private static final String TIER_WITHOUT_KEY = "free";

  private final KeyDirectory directory;
  private final Tiers tiers;
  private final ModelList models;
  private final ToolCatalogue tools;

  public Playground(KeyDirectory directory, Tiers tiers, ModelList models, ToolCatalogue tools) {
    this.directory = directory;
    this.tiers = tiers;
    this.models = models;
    this.tools = tools;
  }

  /**
   * The caller of the query's {@code key_id}, which is {@code none} for a chat without a key. Sets
   * it in the context.
   *
   * @throws ApiException 400 without an id, 404 when it is not that of a usable key of the person,
   *     503 when keys cannot be checked
   */
  public Caller caller(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      Exchange exchange) {
    if (!directory.loaded()) {
      throw OpenAiErrors.keysUnavailable().asException();
    }
    String id =
        AdminQuery.of(exchange)
            .text(KEY)
            .orElseThrow(() -> OpenAiErrors.missing(KEY).asException());
    Caller caller = own(session, id);
    context.setCaller(caller);
    return caller;
  }

  /**
   * The person's usable keys, and the chat models and the tools of the query's {@code key_id}, else
   * of the first key. An administrator without a key gets those of a chat without a key.
   *
   * @throws ApiException 404 when the id is not that of a usable key of the person
   */
  public ObjectNode offer(
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session, Exchange exchange) {
    List<Caller> own = directory.keysOf(session.email()).toList();
    Optional<Caller> chosen =
        AdminQuery.of(exchange)
            .text(KEY)
            .map(id -> own(session, id))
            .or(() -> own.stream().findFirst().map(this::limited))
            .or(() -> session.isAdministrator() ? Optional.of(person(session)) : Optional.empty());
    ObjectNode offer = Json.object();
    ArrayNode keys = offer.putArray("keys");
    own.forEach(key ->
        keys.addObject()
            .put("id", key.keyHash())
            .put("name", key.keyName())
            .put("tier", key.tier()));
    offer
        .put("without_key", session.isAdministrator())
        .put(KEY, chosen.map(caller -> caller.isPerson() ? NONE : caller.keyHash()).orElse(null));
    ArrayNode chatModels = offer.putArray("models");
    ArrayNode usableTools = offer.putArray("tools");
    chosen.ifPresent(caller -> {
      for (JsonNode model : models.of(caller).path("data")) {
        if (chats(model.path("abilities"))) {
          chatModels.add(model);
        }
      }
      for (Tool tool : tools.tools()) {
        if (caller.mayUseTool(tool.name())) {
          usableTools.addObject().put("name", tool.name()).put("description", tool.description());
        }
      }
    });
    return offer;
  }

  private static boolean chats(JsonNode abilities) {
    return abilities.isEmpty()
        || abilities.valueStream().anyMatch(each -> each.asText().equals("chat"));
  }

  private Caller person(AdminSession session) {
    return limited(Caller.person(session.email(), TIER_WITHOUT_KEY, null));
  }

  private Caller own(AdminSession session, String id) {
    if (session.isAdministrator() && id.equals(NONE)) {
      return person(session);
    }
    return directory
        .keysOf(session.email())
        .filter(key -> key.keyHash().equals(id))
        .findFirst()
        .map(this::limited)
        .orElseThrow(() -> AdminErrors.notYourKey().asException());
  }

  private Caller limited(Caller caller) {
    return caller.within(tiers.of(caller.tier()));
  }
}
