package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Model;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.Accumulator;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.embedding.EmbeddingCall;
import dev.llmproxy.embedding.EmbeddingRequest;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.routing.ProviderProbe;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * The test of a provider: a request with the text "ping" for one of its models. It is done, and
 * recorded in the ledger, for the administrator as a person without a key.
 */
public final class ProviderPing {
  private static final String PATH = "/admin/api/providers/";
  private static final String TEXT = "ping";

  /** Some providers refuse less. */
  private static final int MOST_TOKENS = 16;

  private static final int LONGEST_MODEL = 256;
  private static final String TIER = "free";
  private static final String CHAT = "chat";
  private static final String EMBEDDINGS = "embeddings";

  private final ProviderCatalogue catalogue;
  private final ModelHealth health;
  private final AdminActions actions;
  private final AnswerMemory memory;

  public ProviderPing(
      ProviderCatalogue catalogue, ModelHealth health, AdminActions actions, AnswerMemory memory) {
    this.catalogue = catalogue;
    this.health = health;
    this.actions = actions;
    this.memory = memory;
  }

  /**
   * Creates the call, and sets it in the request context. The body may have the {@code model}, by
   * the provider's name of it; else the provider's first model is asked.
   *
   * @throws ApiException 400 for wrong fields or a provider that is off or has no model, 404 for an
   *     unknown provider, 503 when the action cannot be recorded
   */
  public Call call(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      @Body byte[] body,
      Exchange exchange) {
    Provider provider = provider(AdminQuery.of(exchange).pathAfter(PATH));
    JsonFields fields = JsonFields.of(body);
    String model =
        fields
            .line("model", LONGEST_MODEL)
            .filter(name -> !name.isEmpty())
            .orElseGet(() -> firstModel(provider));
    fields.end();
    Target target = catalogue.target(provider.name() + "/" + model);
    actions.record(context, session, "provider.test", target.modelId(), Json.object());
    context.setCaller(Caller.person(session.email(), TIER, null));
    Call call =
        target.can(CHAT) || !target.can(EMBEDDINGS)
            ? chat(context, target)
            : embedding(context, target);
    context.setCall(call);
    return call;
  }

  private Provider provider(String name) {
    Provider provider =
        catalogue.providers().stream()
            .filter(each -> each.name().equals(name))
            .findFirst()
            .orElseThrow(() -> AdminErrors.notFound("provider").asException());
    if (!provider.on()) {
      throw OpenAiErrors.invalidValue("name", "The provider is off: %s.".formatted(provider.off()))
          .asException();
    }
    return provider;
  }

  private static String firstModel(Provider provider) {
    List<Model> models = provider.models();
    return models.stream()
        .filter(model -> model.abilities().isEmpty() || model.abilities().contains(CHAT))
        .findFirst()
        .or(() -> models.stream().findFirst())
        .map(Model::id)
        .orElseThrow(() -> OpenAiErrors.missing("model").asException());
  }

  private ChatCall chat(RequestContext context, Target target) {
    ObjectNode request =
        Json.object().put("model", target.modelId()).put("max_completion_tokens", MOST_TOKENS);
    request.putArray("messages").addObject().put("role", "user").put("content", TEXT);
    return new ChatCall(
        context.requestId(),
        context.caller(),
        new ChatRequest(request),
        target,
        context.started(),
        new Accumulator(Accumulator.Kept.ALL, memory.open()));
  }

  private EmbeddingCall embedding(RequestContext context, Target target) {
    ObjectNode request = Json.object().put("model", target.modelId()).put("input", TEXT);
    return new EmbeddingCall(
        context.requestId(),
        context.caller(),
        EmbeddingRequest.parse(Json.bytes(request)),
        Attempts.at(target),
        context.started(),
        memory.open());
  }

  /**
   * What came back: {@code ok} and the times, and the answer's text or the provider's error. The
   * error of a provider is an answer here, not a failure of the request.
   */
  public ObjectNode result(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(ProviderProbe.PROPERTY) ProviderProbe.Probe probe) {
    Call call = context.call();
    String model = call.target().servedModel();
    ApiError error = call.error();
    ObjectNode result =
        Json.object()
            .put("ok", error == null)
            .put("model", model)
            .put("request_id", call.requestId())
            .put("type", call.type())
            .put("duration_ms", probe.total().toMillis())
            .put("breaker", breaker(model));
    if (probe.firstContent() != null) {
      result.put("first_content_ms", probe.firstContent().toMillis());
    }
    if (error != null) {
      result.set("error", json(error, call.target().provider()));
    } else if (call instanceof ChatCall chat) {
      result
          .put("text", chat.accumulator().content())
          .set("finish_reason", chat.accumulator().choices().path(0).get("finish_reason"));
    }
    result.set("usage", call.usage());
    return result.put("cost", RequestReport.text(call.cost(call.used())));
  }

  private String breaker(String model) {
    return health.views().stream()
        .filter(view -> view.model().equals(model))
        .map(ModelHealth.View::breaker)
        .findFirst()
        .orElse("closed");
  }

  private static ObjectNode json(ApiError error, Provider provider) {
    ObjectNode json =
        Json.object()
            .put("message", provider.masked(error.message()))
            .put("code", error.codeOrType());
    if (error.upstream() != null) {
      if (error.upstream().status() > 0) {
        json.put("provider_status", error.upstream().status());
      }
      if (error.upstream().reason() != null) {
        json.put("reason", provider.masked(error.upstream().reason()));
      }
    }
    return json;
  }
}
