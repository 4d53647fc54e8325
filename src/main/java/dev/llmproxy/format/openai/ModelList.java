package dev.llmproxy.format.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Chain;
import dev.llmproxy.catalogue.Model;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The models of the active providers and their aliases, as OpenAI's list and model objects with a
 * few additional fields. The fields of Anthropic's list are among them, so that clients of both
 * APIs read the same list.
 *
 * @see <a href="https://platform.claude.com/docs/en/api/models-list">Anthropic's list of models</a>
 */
public final class ModelList {
  private static final String PATH = "/v1/models/";
  private static final String ID = "id";

  private final ProviderCatalogue providers;

  public ModelList(ProviderCatalogue providers) {
    this.providers = providers;
  }

  /**
   * {@code {"object":"list","data":[…],"has_more":false,…}} with the models that the caller may
   * use.
   */
  public byte[] list(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return Json.bytes(of(context.caller()));
  }

  /** The list of a caller. */
  public ObjectNode of(Caller caller) {
    Predicate<String> allowed =
        !caller.isRestricted() ? name -> true : name -> caller.mayUse(name, providers.chain(name));
    ObjectNode list = Json.object().put("object", "list");
    ArrayNode data = list.putArray("data");
    for (Provider provider : providers.providers()) {
      if (provider.on()) {
        for (Model model : provider.models()) {
          String id = provider.name() + "/" + model.id();
          if (allowed.test(id)) {
            data.add(model(id, provider, model));
          }
        }
      }
    }
    providers
        .listedAliases()
        .forEach((name, target) -> {
          if (allowed.test(name)) {
            data.add(
                model(name, target.provider(), target.model())
                    .put("alias_of", aliasOf(providers.chain(name))));
          }
        });
    return list.put("has_more", false)
        .put("first_id", data.path(0).path(ID).textValue())
        .put("last_id", data.path(data.size() - 1).path(ID).textValue());
  }

  /**
   * Returns one model object. Ids contain slashes, which some clients send raw and others as {@code
   * %2F}: the raw path is decoded once.
   *
   * @throws ApiException 404 for an unknown model and one that the caller may not use
   */
  public byte[] retrieve(Exchange exchange) {
    String raw = exchange.getMessage(HttpMessage.class).getRequest().path();
    // URLDecoder decodes forms, where a plus sign is a space.
    String id =
        URLDecoder.decode(raw.substring(PATH.length()).replace("+", "%2B"), StandardCharsets.UTF_8);
    Chain chain = providers.chain(id);
    if (!RequestContext.of(exchange).caller().mayUse(id, chain)) {
      throw OpenAiErrors.modelNotFound(id).asException();
    }
    Target target = chain.first();
    ObjectNode model = model(id, target.provider(), target.model());
    if (!id.equals(target.servedModel())) {
      model.put("alias_of", aliasOf(chain));
    }
    return Json.bytes(model);
  }

  private static String aliasOf(Chain chain) {
    return chain.targets().stream().map(Target::servedModel).collect(Collectors.joining(", "));
  }

  private static ObjectNode model(String id, Provider provider, Model model) {
    long created = model == null ? 0 : model.created();
    ObjectNode json =
        Json.object()
            .put(ID, id)
            .put("object", "model")
            .put("created", created)
            .put("owned_by", provider.name())
            .put("type", "model")
            .put("display_name", model == null ? id : model.label())
            .put("created_at", Instant.ofEpochSecond(created).toString());
    if (model != null) {
      json.put("label", model.label());
      if (model.contextLength() > 0) {
        json.put("context_length", model.contextLength());
      }
      model.abilities().forEach(json.putArray("abilities")::add);
    }
    return json;
  }
}
